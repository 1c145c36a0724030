/** Time that passes when it is told to, and what lands when it has. */
export class VirtualClock {
  #now = 1_000_000;
  readonly #late: { at: number; effect: () => Promise<unknown> }[] = [];

  now(): number {
    return this.#now;
  }

  /** Time in which nothing lands. */
  pass(ms: number): void {
    this.#now += ms;
  }

  /** Lets an effect land when this much time has passed. */
  after(ms: number, effect: () => Promise<unknown>): void {
    this.#late.push({ at: this.#now + ms, effect });
  }

  async sleep(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (const { at, effect } of this.#late.splice(0)) {
      if (at <= until) await effect().catch(() => undefined); // A late attempt may meet a world that it no longer fits.
      else this.#late.push({ at, effect });
    }
    this.#now = until;
  }
}
