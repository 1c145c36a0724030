import { stateDirectory } from './config.js';
import { canonical } from './spec.js';
import { parseObject } from '../json.js';
import { isVersion } from '../release/release.js';

/**
 * The file in a state volume that says what the volume holds. OpenClaw leaves it alone (seen on 2026.6.11 and
 * 2026.9.6).
 */
export const stateMarkFile = '.creel-state.json';
export const stateMarkPath = `${stateDirectory}/${stateMarkFile}`;

/** What a state volume says of itself, written last when it is written whole. */
export type StateMark = {
  readonly birth: string;
  /** The release that the state belongs to. No other starts on it, because a start converts it. */
  readonly release: string;
  /** `first` in a life's own volume; after a copy, shelf and number of the saved state, for example `a/7`. */
  readonly copy: string;
  /** False from before the first byte of a copy into the volume until after its last. */
  readonly whole: boolean;
};

/** How a refusal names the release of a state; an operator who takes the life up with that release is believed. */
export function belongsTo(release: string): string {
  return `belongs to release ${release},`;
}

/** How a refusal names the release that a gateway runs; the same holds for it. */
export function runsRelease(release: string): string {
  return `runs ${release},`;
}

/** The text of a mark; equal marks have equal texts. */
export function writeStateMark(mark: StateMark): string {
  return canonical(mark);
}

/** The longest text that can be a mark: the volume is its owner's, who can write anything there. */
const markBytes = 1_024;
const copyForm = /^(?:first|\w{1,10}\/\d{1,10})$/;

/**
 * The mark in a text; undefined when there is none, as in an older creel's volumes, or when it is not ours. The owner
 * of the volume can write there what he likes, so nothing is accepted that creel itself would not have written.
 */
export function readStateMark(text: string | undefined): StateMark | undefined {
  if (text === undefined || text.length > markBytes) return undefined;
  const { birth, release, copy, whole } = parseObject(text) ?? {};
  if (typeof birth !== 'string' || typeof release !== 'string' || typeof copy !== 'string') return undefined;
  if (typeof whole !== 'boolean' || !isVersion(release) || !copyForm.test(copy)) return undefined;
  return { birth, release, copy, whole };
}
