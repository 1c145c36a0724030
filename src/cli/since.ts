import { milliseconds } from '../settings/spec.js';

const timeForm = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Since when somebody wants to read (RFC 3339): a duration before now (epoch ms), or a time, which is that of their own
 * zone where it names none, as a date alone is. Never before 1970, which no engine takes. `Refused`.
 */
export function sinceFrom(text: string, now: number): string {
  const at = timeFrom(text) ?? now - milliseconds('--since', text);
  return new Date(Math.max(0, at)).toISOString();
}

/** The time that a text names (epoch ms); undefined where it names none, or a day that there is not. */
function timeFrom(text: string): number | undefined {
  const [, day, rest = 'T00:00'] = timeForm.exec(text) ?? [];
  if (day === undefined || !isDay(day)) return undefined;
  const at = Date.parse(`${day}${rest}`);
  return Number.isNaN(at) ? undefined : at;
}

function isDay(day: string): boolean {
  const at = Date.parse(`${day}T00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
}
