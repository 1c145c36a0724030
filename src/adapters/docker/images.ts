import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Image } from '../../domain/release/image.js';
import { gone, type Ask } from './ask.js';
import { readAll, request, type EngineAt, type Relayed } from './call.js';
import { answerOf } from './errors.js';
import { heldImagesForm, imageForm, incompleteImage, read } from './forms.js';
import { PullProgress, pullError } from './pull.js';

/** A pull of about a gigabyte over the line of a small host. */
const pullMs = 15 * 60_000;

/** How often a pull reports its progress. */
const sayMs = 1_000;

/** The images of an engine. */
export class Images {
  readonly #at: EngineAt;
  readonly #ask: Ask;

  constructor(at: EngineAt, ask: Ask) {
    this.#at = at;
    this.#ask = ask;
  }

  /** One that was relayed bears the name under which it came, and its digest, which says that it is the same. */
  async findImage(reference: string): Promise<Image | undefined> {
    const named = await this.#inspect(reference);
    if (named || !this.#at.relay) return named;
    const relayed = await this.#nameOfDigest(reference);
    return relayed === undefined ? undefined : this.#inspect(relayed);
  }

  async #inspect(reference: string): Promise<Image | undefined> {
    const found = await this.#ask(
      `look for image ${reference}`,
      (docker) => docker.getImage(reference).inspect(),
      ({ status }) => (status === 404 ? gone : undefined),
    );
    if (found === gone) return undefined;
    const { Id, Config } = read(imageForm, found, `look for image ${reference}`, incompleteImage(reference));
    return { id: Id, labels: Config.Labels };
  }

  async pullImage(reference: string, say: (sentence: string) => void): Promise<void> {
    const errand = { what: `pull ${reference}`, limitMs: pullMs };
    const progress = new PullProgress(reference);
    const report = setInterval(() => say(progress.sentence()), sayMs);
    let relayed: Relayed | undefined;
    try {
      relayed = await this.#at.relay?.(reference);
      const login = relayed ? undefined : await this.#at.login?.(reference);
      const given = login ? { authconfig: login } : {};
      const name = relayed?.reference ?? reference;
      const stream = await request(this.#at, errand, (docker) => docker.pull(name, given));
      await readAll(this.#at, errand, stream, (chunk) => progress.take(chunk));
    } catch (error) {
      const answer = answerOf(error);
      throw answer ? pullError(reference, answer.text, answer.status) : error;
    } finally {
      relayed?.close();
      clearInterval(report);
    }
    if (!(await this.findImage(reference)))
      throw new Error(`the pull of ${reference} ended, and the image is not there`);
  }

  /** The name under which the engine has an image of the same digest; undefined where it has none. */
  async #nameOfDigest(reference: string): Promise<string | undefined> {
    const [, digest] = /(@sha256:[0-9a-f]{64})$/.exec(reference) ?? [];
    if (digest === undefined) return undefined;
    const all = await this.#ask('list images', (docker) => docker.listImages({ digests: true }));
    const names = read(heldImagesForm, all, 'list images').flatMap(({ RepoDigests }) => RepoDigests ?? []);
    return names.find((name) => name.endsWith(digest));
  }

  async saveImage(reference: string): Promise<Readable> {
    const errand = { what: `save image ${reference}`, limitMs: pullMs };
    const stream = await request(this.#at, errand, (docker) => docker.getImage(reference).get());
    return Readable.from(stream, { objectMode: false });
  }

  async loadImage(reference: string, saved: Readable, say: (sentence: string) => void): Promise<void> {
    const errand = { what: `load image ${reference}`, limitMs: pullMs };
    let bytes = 0;
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, pass) => {
        bytes += chunk.length;
        pass(null, chunk);
      },
    });
    const report = setInterval(() => say(`bringing ${reference}: ${Math.round(bytes / 1024 ** 2)} MB`), sayMs);
    try {
      const sent = pipeline(saved, counted);
      sent.catch(() => undefined); // What ended it early is the error of the request, too.
      const answer = await request(this.#at, errand, (docker) => docker.loadImage(counted, { quiet: true }));
      await readAll(this.#at, errand, answer, () => undefined);
      await sent;
    } finally {
      clearInterval(report);
      saved.destroy();
    }
    if (!(await this.findImage(reference)))
      throw new Error(`image ${reference} was loaded, and is not there by that name`);
  }

  async removeImage(reference: string): Promise<void> {
    await this.#ask(
      `remove image ${reference}`,
      (docker) => docker.getImage(reference).remove(),
      ({ status }) => (status === 404 || status === 409 ? gone : undefined),
    );
  }
}
