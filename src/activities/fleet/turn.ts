/** Says yes at first, and then once in a while: for a question that costs more than the one that is asked all the time. */
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
