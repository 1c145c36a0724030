import { sleep } from '@temporalio/workflow';

/** A slice that ends this much later than asked was not all worked: server and worker hiccups are shorter. */
const lostMs = 5_000;

/**
 * Returns after `ms` in which somebody worked: a slice in whose course server or workers were away counts for nothing, however
 * long that was (design, property 5). With one slice it is a timer like any other.
 */
export async function sleepWorked(ms: number, slices: number, summary: string): Promise<void> {
  const sliceMs = Math.ceil(ms / slices);
  for (let worked = 0; worked < ms;) {
    const began = Date.now();
    await sleep(sliceMs, { summary });
    if (slices === 1 || Date.now() - began <= sliceMs + lostMs) worked += sliceMs;
  }
}
