import { stateDirectory } from './gateway-config.js';
import { canonical } from './gateway-spec.js';
import { parseObject } from './json.js';

/** The file in a state volume that says what the volume holds. OpenClaw leaves it alone (seen on 2026.6.11 and 2026.9.6). */
export const stateMarkFile = '.creel-state.json';
export const stateMarkPath = `${stateDirectory}/${stateMarkFile}`;

/** What a state volume says of itself, written last by whatever writes it whole. */
export type StateMark = {
  readonly birth: string;
  /** The release that the state belongs to: no other starts on it, because a start converts it. */
  readonly release: string;
  /** `first` in a life's own volume; for what a copy brought, shelf and number of the saved state, for example `a/7`. */
  readonly copy: string;
  /** False from before the first byte of a copy into the volume until after its last. */
  readonly whole: boolean;
};

/** The text of a mark: the same for the same mark. */
export function writeStateMark(mark: StateMark): string {
  return canonical(mark);
}

/** The mark in a text; undefined when there is none, as in volumes of an older creel, or when it is not one of ours. */
export function readStateMark(text: string | undefined): StateMark | undefined {
  const { birth, release, copy, whole } = parseObject(text) ?? {};
  const texts = [birth, release, copy].filter((each) => typeof each === 'string');
  const [of, version, from] = texts;
  if (of === undefined || version === undefined || from === undefined || typeof whole !== 'boolean') return undefined;
  return { birth: of, release: version, copy: from, whole };
}
