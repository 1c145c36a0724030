import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { execa } from 'execa';
import getPort from 'get-port';
import { foundImage } from '../test/ground/found.js';

/** Debian's `docker-registry` on loopback, holding prepared images for whoever insists on pulling. */
export class Registry {
  readonly #directory: string;
  readonly #process: ChildProcess;
  readonly #base: string;
  readonly #releases: readonly string[];

  private constructor(directory: string, running: ChildProcess, base: string, releases: readonly string[]) {
    this.#directory = directory;
    this.#process = running;
    this.#base = base;
    this.#releases = releases;
  }

  /** Starts one and pushes the images into it; undefined where the program is not installed. */
  static async open(releases: readonly string[]): Promise<Registry | undefined> {
    const program = ['/usr/bin/docker-registry', '/usr/local/bin/docker-registry'].find((file) => fs.existsSync(file));
    if (program === undefined) return undefined;
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-registry-'));
    const port = await getPort({ host: '127.0.0.1' });
    const config = {
      version: 0.1,
      storage: { filesystem: { rootdirectory: path.join(directory, 'images') } },
      http: { addr: `127.0.0.1:${port}` },
    };
    fs.writeFileSync(path.join(directory, 'config.json'), JSON.stringify(config));
    const running = spawn(program, ['serve', path.join(directory, 'config.json')], { stdio: 'ignore' });
    const base = `127.0.0.1:${port}/openclaw-${randomBytes(3).toString('hex')}`;
    const registry = new Registry(directory, running, base, releases);
    await sleep(1_000);
    for (const release of releases) {
      await execa('docker', ['tag', foundImage(release), registry.imageOf(release)]);
      await execa('docker', ['push', '-q', registry.imageOf(release)]);
    }
    return registry;
  }

  imageOf(release: string): string {
    return `${this.#base}:${release}`;
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
    for (const release of this.#releases) await execa('docker', ['rmi', this.imageOf(release)], { reject: false });
    fs.rmSync(this.#directory, { recursive: true, force: true });
  }
}
