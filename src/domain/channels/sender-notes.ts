import { parseObject } from '../json.js';
import { senderNotes } from '../thresholds.js';
import type { Sender } from './paired-senders.js';

/** Where creel remembers, in the state and so with it, whom each pairing was about: a code that was approved names nobody any more. */
export const senderNotesFile = '.creel-senders.json';

/** Whom a pairing is about, and whether they had been let in before. */
export type SenderNote = Sender & { readonly since: number; readonly wasIn: boolean };

/** What is remembered; nothing where the memory is torn, or somebody has edited it. */
export function readSenderNotes(text: string | undefined): SenderNote[] {
  const { layout, pairings } = parseObject(text) ?? {};
  if (layout !== 1 || !Array.isArray(pairings)) return [];
  return pairings.filter(isNote);
}

/** The memory with one more pairing, as a text; the oldest go. */
export function withSenderNote(notes: readonly SenderNote[], note: SenderNote): string {
  const kept = [...notes.filter(({ since }) => since !== note.since), note].slice(-senderNotes);
  return `${JSON.stringify({ layout: 1, pairings: kept })}\n`;
}

/**
 * Whether a pairing that is not remembered may all the same have let somebody in: it may be among the oldest, which went,
 * or the memory cannot be read.
 */
export function mayBeForgotten(text: string | undefined, since: number): boolean {
  if (text === undefined) return false;
  if (!Array.isArray(parseObject(text)?.['pairings'])) return true;
  const notes = readSenderNotes(text);
  return notes.length >= senderNotes && notes.every((note) => note.since > since);
}

function isNote(raw: unknown): raw is SenderNote {
  if (typeof raw !== 'object' || raw === null) return false;
  const words = ['channel', 'account', 'id'].map((key): unknown => Reflect.get(raw, key));
  if (!words.every((each) => typeof each === 'string' && each !== '' && each.length <= 255)) return false;
  return typeof Reflect.get(raw, 'since') === 'number' && typeof Reflect.get(raw, 'wasIn') === 'boolean';
}
