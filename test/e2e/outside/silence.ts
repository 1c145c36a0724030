import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

/** A stop refuses connections at once; one that is only slow answers within this on a machine with twice its load. */
const answerMs = 10_000;

/** Asks a gateway for a sign of life, again and again, and notes each time that none came. */
export class SilenceWatch {
  readonly #url: string;
  readonly #failed: string[] = [];
  readonly #watching: Promise<void>;
  #answered = 0;
  #over = false;

  constructor(port: number, paceMs = 100) {
    this.#url = `http://127.0.0.1:${port}/healthz`;
    this.#watching = this.#watch(paceMs);
  }

  /** Stops asking: how often it answered, and why it did not. */
  async end(): Promise<{ readonly answered: number; readonly failed: readonly string[] }> {
    this.#over = true;
    await this.#watching;
    return { answered: this.#answered, failed: this.#failed };
  }

  async #watch(paceMs: number): Promise<void> {
    while (!this.#over) {
      try {
        const { ok, status } = await fetch(this.#url, { signal: AbortSignal.timeout(answerMs) });
        if (ok) this.#answered += 1;
        else this.#failed.push(`status ${status}`);
      } catch (error) {
        this.#failed.push(inspect(error, { depth: 1 }));
      }
      await sleep(paceMs);
    }
  }
}
