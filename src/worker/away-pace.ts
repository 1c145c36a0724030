import { awayPaceMs } from '../domain/thresholds.js';

const firstMs = 1_000;
const quickAttempts = 10;
const growth = 1.1;

/**
 * How long after this attempt something that is away is asked again: soon enough to see a short outage end, patient
 * with a long one.
 */
export function awayDelayMs(attempt: number): number {
  return Math.min(awayPaceMs, Math.round(firstMs * growth ** Math.max(0, attempt - quickAttempts)));
}
