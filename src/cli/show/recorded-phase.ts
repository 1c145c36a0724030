import { ago } from './time-text.js';

/**
 * A phase as recorded. `ready` never stands alone, because nobody has looked since: it carries the time of its last
 * proof, where that is known.
 */
export function recordedPhase(phase: string, proved: string | undefined, now: number): string {
  if (phase !== 'ready') return phase;
  return proved === undefined ? 'ready (as recorded)' : `ready (proved ${ago(proved, now)})`;
}
