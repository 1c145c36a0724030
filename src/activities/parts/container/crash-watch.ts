import { crashLoopEnds } from '../../../domain/thresholds.js';
import type { Container } from '../../../ports/docker-engine.js';

/** Follows, from look to look, a container that the engine restarts whenever it ends. */
export class CrashWatch {
  #id: string | undefined;
  #count = 0;
  #ends = 0;
  #exitCode: number | undefined;

  /** How it last ended, where that was seen: a container that runs again does not say. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Takes in one look; true when the container has ended so often that another start will not help. */
  loops({ id, state, restartCount, exitCode }: Container): boolean {
    if (id !== this.#id) [this.#id, this.#count, this.#ends] = [id, restartCount, 0];
    const ended = state === 'restarting' ? 1 : 0;
    this.#ends += Math.max(restartCount - this.#count, ended);
    this.#count = restartCount;
    if (state === 'restarting') this.#exitCode = exitCode;
    return this.#ends >= crashLoopEnds;
  }
}
