import { plain } from '../heard.js';

/** One line of a gateway's log: when its engine took it (RFC 3339, to the nanosecond), where it was written, and what. */
export type LogLine = { readonly at: string; readonly stream: 'stdout' | 'stderr'; readonly text: string };

/** A place in the log of a container: after so many lines of one moment. */
export type LogPosition = {
  readonly at: string;
  readonly count: number;
  /** The latest moment before that place, where it is later than the place's own: the engine's clock was set back. */
  readonly high?: string;
};

/** Before the first line. */
export const logBegin: LogPosition = { at: '', count: 0 };

/** The place after one more line. */
export function after({ at, count, high = at }: LogPosition, line: LogLine): LogPosition {
  return { at: line.at, count: line.at === at ? count + 1 : 1, ...(high > line.at && { high }) };
}

/**
 * Knows again the lines before a place, in a log that is read once more from that place's moment on. Where the clock was
 * set back before it, those are all that come until the place is met.
 */
export class Rereading {
  readonly #at: string;
  #high: string | undefined;
  #left: number;
  #begun: boolean;
  #skips = false;
  /** Whether the log begins after that place: what lay between is gone. */
  hasGap = false;

  constructor({ at, count, high }: LogPosition) {
    this.#at = at;
    this.#high = high;
    this.#left = count;
    this.#begun = high !== undefined;
  }

  /** Hears each line that there is, whoever it is for. */
  begin(line: LogLine): void {
    if (!this.#begun) this.hasGap = this.#at !== '' && line.at !== this.#at;
    this.#begun = true;
    this.#skips = this.#high !== undefined && this.#isBefore(line, this.#high);
  }

  /** Whether this line was read before. */
  knows(line: LogLine): boolean {
    if (this.#skips) return true;
    if (line.at !== this.#at || this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }

  /** A line that is later than any before the place means that the engine no longer has the place. */
  #isBefore({ at }: LogLine, high: string): boolean {
    if (at === this.#at) this.#left -= 1;
    const isGone = at > high;
    if (isGone) [this.hasGap, this.#left] = [true, 0];
    if (this.#left === 0) this.#high = undefined;
    return !isGone;
  }
}

/** Which lines of a log are about one channel. */
export type LogFilter = (line: LogLine) => boolean;

/** A line of its own, and not the continuation of one before: it has a time, names its subsystem, or is JSON. */
const begins = /^(?:\d{4}-\d\d-\d\dT|\d\d:\d\d:\d\d|\[|\{)/;

/**
 * The lines that a channel writes, `[telegram] …`, and those of others that name it, with the lines that continue them:
 * a gateway restarts a channel, and complains of it, under names of its own. Without a channel all lines.
 */
export function aboutChannel(channel: string | undefined): LogFilter {
  if (channel === undefined) return () => true;
  const named = new RegExp(`\\b${channel}\\b`, 'i');
  let isNamed = false;
  return ({ text }) => {
    const said = text.includes('\u001B') ? plain(text) : text;
    if (begins.test(said) || !isNamed) isNamed = named.test(said);
    return isNamed;
  };
}
