import type { LogLine } from '../../domain/gateway/log.js';
import { Refused } from '../../domain/errors.js';
import { logLineCharacters } from '../../domain/thresholds.js';

const headerBytes = 8;
const stderrStream = 2;

/** An engine cuts what a process writes at 16 KB, and puts a time before each part. */
const frameBytes = 1024 * 1024;

/** In front of every entry: `2026-09-14T08:15:30.000000001Z `, at most with an offset. */
const longestTime = 40;

/**
 * Makes lines of what an engine sends for a log with times. S4-38, S4-44: of a process without a terminal these are
 * frames with a header, of one with a terminal the bare words. Holds one line of each stream, and of a line no more than
 * is looked at.
 */
export class LogFrames {
  readonly #what: string;
  readonly #hasTerminal: boolean;
  readonly #open = new Map<LogLine['stream'], LogLine>();
  #rest: Buffer = Buffer.alloc(0);

  constructor(what: string, hasTerminal: boolean) {
    this.#what = what;
    this.#hasTerminal = hasTerminal;
  }

  /** The lines that are whole with these bytes. */
  take(chunk: Buffer): LogLine[] {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    return this.#hasTerminal ? this.#takeBare(data) : this.#takeFrames(data);
  }

  /** What was begun and not ended, when the log is over. */
  end(): LogLine[] {
    const bare = this.#hasTerminal && this.#rest.length > 0 ? [entry('stdout', this.#rest)] : [];
    return [...this.#open.values(), ...bare];
  }

  #takeFrames(data: Buffer): LogLine[] {
    const lines: LogLine[] = [];
    let at = 0;
    while (data.length - at >= headerBytes) {
      const length = data.readUInt32BE(at + 4);
      if (length > frameBytes)
        throw new Refused(
          `docker engine, ${this.#what}: creel cannot read a frame of ${length} bytes. See docs/runbook.md#engine-not-understood`,
        );
      const end = at + headerBytes + length;
      if (data.length < end) break;
      const stream = data.readUInt8(at) === stderrStream ? 'stderr' : 'stdout';
      lines.push(...this.#entry(stream, data.subarray(at + headerBytes, end)));
      at = end;
    }
    this.#rest = Buffer.from(data.subarray(at)); // A copy: a part of a chunk would keep all of it.
    return lines;
  }

  /** One entry: a whole line, or a part of one that has no end yet. */
  #entry(stream: LogLine['stream'], bytes: Buffer): LogLine[] {
    const part = entry(stream, bytes);
    const begun = this.#open.get(stream);
    const line = begun ? { ...begun, text: cut(begun.text + part.text) } : part;
    if (bytes.at(-1) !== lineFeed) {
      this.#open.set(stream, line);
      return [];
    }
    this.#open.delete(stream);
    return [line];
  }

  #takeBare(data: Buffer): LogLine[] {
    const lines: LogLine[] = [];
    let at = 0;
    for (let end = data.indexOf(lineFeed); end >= 0; end = data.indexOf(lineFeed, at)) {
      lines.push(entry('stdout', data.subarray(at, end + 1)));
      at = end + 1;
    }
    this.#rest = Buffer.from(data.subarray(at, at + bareBytes)); // Of a line without end the rest is not looked at.
    return lines;
  }
}

/** So much of a line without a frame is enough for what is looked at. */
const bareBytes = longestTime + 4 * logLineCharacters;

const lineFeed = 0x0a;
const space = 0x20;

function entry(stream: LogLine['stream'], bytes: Buffer): LogLine {
  const found = bytes.subarray(0, longestTime).indexOf(space);
  const at = found < 0 ? '' : bytes.toString('latin1', 0, found);
  const text = bytes.toString('utf8', found + 1, Math.min(bytes.length, found + 1 + 4 * logLineCharacters));
  return { at, stream, text: cut(text.replace(/\r?\n$/, '')) };
}

function cut(text: string): string {
  return text.length > logLineCharacters ? text.slice(0, logLineCharacters) : text;
}
