/** Says yes at first, and then at intervals: for a costly question beside a cheap one that is asked all the time. */
export class Turn {
  readonly #everyMs: number;
  #lastAt = -Infinity;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  isDue(): boolean {
    if (Date.now() - this.#lastAt < this.#everyMs) return false;
    this.#lastAt = Date.now();
    return true;
  }
}
