import type { Image } from '../../domain/release/image.js';
import { gone, type Ask } from './ask.js';
import { readAll, request, type EngineAt } from './call.js';
import { answerOf } from './errors.js';
import { imageForm, incompleteImage, read } from './forms.js';
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

  async findImage(reference: string): Promise<Image | undefined> {
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
    try {
      const stream = await request(this.#at, errand, (docker) => docker.pull(reference, {}));
      await readAll(this.#at, errand, stream, (chunk) => progress.take(chunk));
    } catch (error) {
      const answer = answerOf(error);
      throw answer ? pullError(reference, answer.text, answer.status) : error;
    } finally {
      clearInterval(report);
    }
    if (!(await this.findImage(reference)))
      throw new Error(`the pull of ${reference} ended, and the image is not there`);
  }

  async removeImage(reference: string): Promise<void> {
    await this.#ask(
      `remove image ${reference}`,
      (docker) => docker.getImage(reference).remove(),
      ({ status }) => (status === 404 || status === 409 ? gone : undefined),
    );
  }
}
