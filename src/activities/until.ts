import { setTimeout as sleep } from 'node:timers/promises';
import { NotYet, Refused } from '../domain/errors.js';
import { say } from './sentence.js';

/** How a wait goes: asked every `paceMs`, given up after `limitMs` of working time. */
export type Wait = { readonly what: string; readonly paceMs: number; readonly limitMs: number };

/**
 * The one wait loop: asks until the probe answers, telling the heartbeat what it waits for.
 * Past the limit it is `Refused` with the last thing heard; every other error ends it at once.
 */
export async function until<T>(wait: Wait, signal: AbortSignal | undefined, probe: () => Promise<T>): Promise<T> {
  const began = Date.now();
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await probe();
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      const seconds = Math.round((Date.now() - began) / 1000);
      const heard = `${error.message}, ${seconds} s of ${Math.round(wait.limitMs / 1000)} s`;
      if (Date.now() - began >= wait.limitMs)
        throw new Refused(`${wait.what}: given up. Last heard: ${heard}`, { cause: error });
      say(heard);
    }
    await sleep(wait.paceMs, undefined, signal ? { signal } : {});
  }
}
