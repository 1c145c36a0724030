import { setTimeout as sleep } from 'node:timers/promises';
import { Away, NotYet, Refused } from '../domain/errors.js';
import { say } from './sentence.js';

/** How to wait: probe every `paceMs`, give up after `limitMs` of working time. */
export type Wait = {
  readonly what: string;
  readonly paceMs: number;
  readonly limitMs: number;
  /** Probes ever more slowly, at a twentieth of the time waited so far, but never less often than this. */
  readonly slowsToMs?: number;
  /** Ends as `NotYet` after this long, before the limit of a call cuts it off; the next attempt continues the wait. */
  readonly turnMs?: number;
  /** What else there is to read when it gives up. */
  readonly besides?: () => Promise<string>;
};

/**
 * The one wait loop: probes until there is an answer, and tells the heartbeat what it waits for. Past the limit it is
 * `Refused` with the last `NotYet` heard. Every other error ends it at once, and so does `Away`: an outage is no fault
 * of what is awaited, and the next attempt begins with the whole limit.
 */
export async function until<T>(wait: Wait, signal: AbortSignal | undefined, probe: () => Promise<T>): Promise<T> {
  const began = Date.now();
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await probe();
    } catch (error) {
      if (!(error instanceof NotYet) || error instanceof Away) throw error;
      const seconds = Math.round((Date.now() - began) / 1000);
      const limit = Number.isFinite(wait.limitMs) ? ` of ${Math.round(wait.limitMs / 1000)} s` : '';
      const heard = `${error.message}, ${seconds} s${limit}`;
      if (Date.now() - began >= wait.limitMs) throw await givenUp(wait, heard, error);
      if (wait.turnMs !== undefined && Date.now() - began >= wait.turnMs) throw error;
      say(heard);
    }
    await sleep(paceOf(wait, Date.now() - began), undefined, signal ? { signal } : {});
  }
}

function paceOf({ paceMs, slowsToMs = paceMs }: Wait, waitedMs: number): number {
  return Math.max(paceMs, Math.min(slowsToMs, waitedMs / 20));
}

async function givenUp({ what, besides }: Wait, heard: string, cause: NotYet): Promise<Refused> {
  const more = besides ? `. ${await besides()}` : '';
  return new Refused(`${what}: given up. Last heard: ${heard}${more}`, { cause });
}
