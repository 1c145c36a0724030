import { plain } from '../heard.js';
import { settingsIn } from './config.js';
import type { Extras } from './extras.js';

/** How much of one value is written out. */
const valueLength = 80;

/** `[config]` in one line, at most so many of its settings. */
export function extrasText(extras: Extras | undefined, most: number): string {
  if (!extras) return 'none';
  const all = settingsIn(extras).map(({ path, value }) => {
    const text = JSON.stringify(value);
    return `${path.join('.')} = ${text.length > valueLength ? plain(text, valueLength) : text}`;
  });
  const more = all.length > most ? [`${all.length - most} more`] : [];
  return [...all.slice(0, most), ...more].join(', ');
}
