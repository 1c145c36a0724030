import { crashLoopEnds } from '../../../domain/thresholds.js';
import type { Container } from '../../../ports/docker-engine.js';

/** What is seen of a container that the engine starts again whenever it ends, from one look to the next. */
export class CrashWatch {
  #id: string | undefined;
  #count = 0;
  #ends = 0;
  #exitCode: number | undefined;

  /** How it ended last, where that was seen: a container that runs again does not say. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Takes a look in; whether the container has ended so often that starting it again helps nobody. */
  loops({ id, state, restartCount, exitCode }: Container): boolean {
    if (id !== this.#id) [this.#id, this.#count, this.#ends] = [id, restartCount, 0];
    const ended = state === 'restarting' ? 1 : 0;
    this.#ends += Math.max(restartCount - this.#count, ended);
    this.#count = restartCount;
    if (state === 'restarting') this.#exitCode = exitCode;
    return this.#ends >= crashLoopEnds;
  }
}
