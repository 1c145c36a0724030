import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often a client asks: finer than anything that is compared. */
const paceMs = 10;

/** Asks a gateway all the time whether it is ready, as a client would, and remembers the longest time without a good answer. */
export class Downtime {
  readonly #url: string;
  #lastGood = performance.now();
  #longest = 0;
  #stopped = false;
  readonly #asking: Promise<void>;

  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}/readyz`;
    this.#asking = this.#ask();
  }

  /** The longest time from one good answer to the next, in ms. The gateway must be ready now. */
  async stop(): Promise<number> {
    while (performance.now() - this.#lastGood > 500) await sleep(paceMs);
    this.#stopped = true;
    await this.#asking;
    return this.#longest;
  }

  async #ask(): Promise<void> {
    while (!this.#stopped) {
      if (await isReady(this.#url)) {
        const now = performance.now();
        this.#longest = Math.max(this.#longest, now - this.#lastGood);
        this.#lastGood = now;
      }
      await sleep(paceMs);
    }
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    const body: unknown = await answer.json();
    return answer.ok && typeof body === 'object' && body !== null && 'ready' in body && body.ready === true;
  } catch {
    return false; // Whatever went wrong, it was no good answer.
  }
}
