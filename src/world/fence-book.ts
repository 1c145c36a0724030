import { fenceWord, isFenced, type FenceSeen } from '../domain/hosts/fence-trial.js';
import { fenceStaleMs } from '../domain/thresholds.js';

/** What this worker knows of the fences of its engines, by their ids. Each is tried by one at a time. */
export class FenceBook {
  readonly #seen = new Map<string, FenceSeen>();
  readonly #trials = new Map<string, Promise<FenceSeen>>();

  /** How an engine's fence was when it was last tried here; undefined when it never was. */
  last(engine: string): FenceSeen | undefined {
    return this.#seen.get(engine);
  }

  /** How a fence is: as it was found to stand within the hour, or as it is found now. Whoever asks of one that was open may have shut it. */
  async ask(engine: string, trial: () => Promise<FenceSeen>): Promise<FenceSeen> {
    const known = this.#seen.get(engine);
    if (known && isFenced(fenceWord(known)) && Date.now() - known.at < fenceStaleMs) return known;
    const running = this.#trials.get(engine) ?? this.#begin(engine, trial);
    return running;
  }

  async #begin(engine: string, trial: () => Promise<FenceSeen>): Promise<FenceSeen> {
    const running = trial().finally(() => this.#trials.delete(engine));
    this.#trials.set(engine, running);
    const seen = await running;
    this.#seen.set(engine, seen);
    return seen;
  }
}
