import { setTimeout as after } from 'node:timers/promises';
import { machineLookMs, machinesAtOnce } from '../../domain/thresholds.js';

/** What one look at a machine came to, or why it came to nothing: a machine may answer nobody. */
export async function lookInTime<T>(look: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = after(machineLookMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`it has not answered for ${machineLookMs / 1000} s`);
  });
  try {
    return await Promise.race([look(), late]);
  } finally {
    over.abort();
    late.catch(() => undefined); // Nobody waits for it any more.
  }
}

/** The same of each machine, some at a time, in their order. */
export async function eachMachine<T, R>(all: readonly T[], act: (each: T) => Promise<R>): Promise<R[]> {
  const ends: R[] = [];
  const waiting = [...all.entries()];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) ends[next[0]] = await act(next[1]);
  };
  await Promise.all(Array.from({ length: machinesAtOnce }, lane));
  return ends;
}
