import ms from 'ms';

/** A duration in ms as people read it: milliseconds, seconds to a tenth, or minutes from two minutes on. */
export function seconds(value: number): string {
  const shown = Math.max(0, value);
  if (shown < 1_000) return `${Math.round(shown)} ms`;
  return shown < 120_000
    ? `${(shown / 1000).toFixed(1)} s`
    : `${Math.floor(shown / 60_000)} min ${Math.round((shown % 60_000) / 1000)} s`;
}

/** How long ago a moment was. */
export function ago(time: string, now: number): string {
  const passed = now - Date.parse(time);
  return passed < 1_000 ? 'just now' : `${ms(passed, { long: true })} ago`;
}
