/** Wakes everybody who waits for something to have changed; what changed, they see for themselves. */
export class Bell {
  #waiting: (() => void)[] = [];

  ring(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Until the next ring, or so many milliseconds. */
  async heard(withinMs?: number): Promise<void> {
    const timer = withinMs === undefined ? undefined : setTimeout(() => this.ring(), Math.max(0, withinMs));
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    clearTimeout(timer);
  }
}
