import { sentenceOf, within } from '../../../src/world/sentence.js';
import { attempting } from '../../world/moments.js';

/** How long a late attempt that waits for something may go on doing so. */
const graceMs = 300;
const lookMs = 10;

/** Runs what a late attempt still does: everything that it need not wait for. One that waits is soon out of its time, and ends there. */
export async function lateAttempt(call: () => Promise<unknown>): Promise<unknown> {
  const over = new AbortController();
  return within(async () => {
    let waitedMs = 0;
    const look = setInterval(() => {
      if (sentenceOf() !== '') waitedMs += lookMs;
      if (waitedMs >= graceMs) over.abort();
    }, lookMs);
    try {
      return await attempting({ signal: over.signal, moment: () => undefined }, call);
    } finally {
      clearInterval(look);
    }
  });
}
