/** One Ctrl-C may arrive twice, from the terminal and passed on by npm. No person is this quick. */
const echoMs = 50;

/** How often a person at the keyboard, or any other sender of signals, has interrupted so far. */
export class Interrupts {
  #count = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  readonly #waiting: { readonly times: number; readonly resolve: () => void }[] = [];

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.#hear());
  }

  get count(): number {
    return this.#count;
  }

  /** Resolves at the given number of interrupts. */
  times(times: number): Promise<void> {
    if (this.#count >= times) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ times, resolve }));
  }

  #hear(): void {
    const now = performance.now();
    if (now - this.#heardAt < echoMs) return;
    this.#heardAt = now;
    this.#count += 1;
    for (const each of this.#waiting) if (this.#count >= each.times) each.resolve();
  }
}
