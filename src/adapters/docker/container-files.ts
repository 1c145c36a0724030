import { Refused } from '../../domain/errors.js';
import type { FileOwner, OwnedFile } from '../../ports/docker-engine.js';
import { callMs, gone, type Ask } from './ask.js';
import { readAll, type EngineAt } from './call.js';
import { isContainerGone } from './errors.js';
import { pack, unpackOne } from './files.js';

/** A config is a few kilobytes; anything larger is no file of ours. */
const fileBytes = 1024 * 1024;

/** The files in an engine's containers, running or not. */
export class ContainerFiles {
  readonly #at: EngineAt;
  readonly #ask: Ask;

  constructor(at: EngineAt, ask: Ask) {
    this.#at = at;
    this.#ask = ask;
  }

  async writeFiles(id: string, directory: string, files: readonly OwnedFile[]): Promise<void> {
    const archive = await pack(files);
    await this.#ask(`write into ${directory} of container ${id}`, (docker) =>
      docker.getContainer(id).putArchive(archive, { path: directory }),
    );
  }

  async readFile(id: string, path: string): Promise<string | undefined> {
    const archive = await this.#readArchive(id, path);
    return archive && (await unpackOne(archive, path)).text;
  }

  async findOwner(id: string, path: string): Promise<FileOwner | undefined> {
    const archive = await this.#readArchive(id, path);
    return archive && (await unpackOne(archive, path)).owner;
  }

  async #readArchive(id: string, path: string): Promise<Buffer | undefined> {
    const errand = { what: `read ${path} of container ${id}`, limitMs: callMs };
    const stream = await this.#ask(
      errand.what,
      (docker) => docker.getContainer(id).getArchive({ path }),
      (answer) => (answer.status === 404 && !isContainerGone(answer) ? gone : undefined),
    );
    if (stream === gone) return undefined;
    const chunks: Buffer[] = [];
    let taken = 0;
    await readAll(this.#at, errand, stream, (chunk) => {
      taken += chunk.length;
      if (taken > fileBytes) throw new Refused(`${path} of container ${id} is larger than ${fileBytes} bytes`);
      chunks.push(chunk);
    });
    return Buffer.concat(chunks);
  }
}
