import { awayPaceMs } from '../domain/thresholds.js';

const firstMs = 1_000;
const quickAttempts = 10;
const growth = 1.1;

/** How soon something that is away is asked for again after this attempt: quick to see a short outage end, and patient with a long one. */
export function awayDelayMs(attempt: number): number {
  return Math.min(awayPaceMs, Math.round(firstMs * growth ** Math.max(0, attempt - quickAttempts)));
}
