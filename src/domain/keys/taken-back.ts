import { createHmac } from 'node:crypto';
import { parseObject } from '../json.js';

/**
 * Where the state keeps with which keys nobody was answered, and which tokens were refused, so that a change took them back: whatever is stored by
 * then, nothing but another change puts them in force again. Not the keys: what only the holder of the master key can compare with one.
 */
export const takenBackFile = '.creel-taken-back.json';

/** The most keys that are remembered, the newest last. */
const marksMost = 20;

/** What stands for the key of a provider, or the token of a channel by its entry. */
function markOf(sealing: Buffer, provider: string, key: string): string {
  return createHmac('sha256', sealing).update(`creel taken back\0${provider}\0${key}`).digest('hex').slice(0, 32);
}

/** The text of that file when `given` is to be taken back to `former`; the same text where no key differs. */
export function takenBackText(
  sealing: Buffer,
  text: string | undefined,
  given: Readonly<Record<string, string>>,
  former: Readonly<Record<string, string>>,
): string | undefined {
  const more = Object.entries(given).flatMap(([id, key]) => (former[id] === key ? [] : [markOf(sealing, id, key)]));
  if (more.length === 0) return text;
  const marks = [...marksIn(text).filter((each) => !more.includes(each)), ...more].slice(-marksMost);
  return `${JSON.stringify({ layout: 1, marks })}\n`;
}

/** The providers, or the entries of tokens, whose secret in force stays, because the wanted one was taken back. */
export function providersKept(
  sealing: Buffer,
  text: string | undefined,
  wanted: Readonly<Record<string, string>>,
  inForce: Readonly<Record<string, string>>,
): string[] {
  const marks = new Set(marksIn(text));
  return Object.entries(wanted).flatMap(([id, key]) => {
    const other = inForce[id] !== undefined && inForce[id] !== key;
    return other && marks.has(markOf(sealing, id, key)) ? [id] : [];
  });
}

function marksIn(text: string | undefined): string[] {
  const { layout, marks } = parseObject(text) ?? {};
  if (layout !== 1 || !Array.isArray(marks)) return [];
  return marks.filter((each): each is string => typeof each === 'string').slice(-marksMost);
}
