import { Refused } from '../errors.js';

/** The form of a time zone's name. Whether there is such a zone is asked where it is written, and by the worker. */
export function timezoneOf(raw: unknown): string {
  if (typeof raw === 'string' && raw.length <= 64 && /^[A-Z][\w+-]*(\/[A-Z][\w+-]*){0,2}$/.test(raw)) return raw;
  throw new Refused('timezone must be the name of a zone in quotes. For example: "Europe/Berlin"');
}

/** `Refused` when there is no such time zone, or when a system that looks for its file would find none. */
export function demandTimezone(name: string): void {
  const known = zoneOf(name);
  if (known === name || (known !== undefined && known.toLowerCase() !== name.toLowerCase())) return;
  const better = known === undefined ? '' : ` Write ${JSON.stringify(known)}`;
  throw new Refused(`timezone ${JSON.stringify(name)} is no zone of the time zone database.${better}`);
}

function zoneOf(name: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
