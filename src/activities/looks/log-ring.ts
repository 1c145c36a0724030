import type { LogLine } from '../../domain/gateway/log.js';
import { logRingBytes, logRingLines } from '../../domain/thresholds.js';

/** What a line takes beside its text. */
const overheadBytes = 100;

/** An engine hands over some hundreds of lines at once: room for them is kept, so that none has to fall out. */
const fullAt = 0.75;

/**
 * The lines between a source and a reader: so many at most, in lines and in bytes. When one more comes, the oldest falls
 * out and is counted.
 */
export class LogRing {
  #lines: LogLine[] = [];
  #head = 0;
  #bytes = 0;
  #lost = 0;

  get length(): number {
    return this.#lines.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the source had better wait. */
  get isFull(): boolean {
    return this.length >= fullAt * logRingLines || this.#bytes >= fullAt * logRingBytes;
  }

  push(line: LogLine): void {
    this.#lines.push(line);
    this.#bytes += sizeOf(line);
    while (this.length > logRingLines || this.#bytes > logRingBytes) {
      this.shift();
      this.#lost += 1;
    }
  }

  /** The oldest line; undefined when there is none. */
  peek(): LogLine | undefined {
    return this.#lines[this.#head];
  }

  /** Takes the oldest line away, if there is one. */
  shift(): void {
    const line = this.peek();
    if (!line) return;
    this.#bytes -= sizeOf(line);
    this.#head += 1;
    if (this.#head * 2 < this.#lines.length) return;
    this.#lines = this.#lines.slice(this.#head);
    this.#head = 0;
  }

  /** Lets the oldest go beyond so many, which nobody asked for. */
  keepLast(lines: number): void {
    while (this.length > lines) this.shift();
  }

  /** How many lines fell out since this was last asked. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }
}

function sizeOf({ text }: LogLine): number {
  return overheadBytes + text.length;
}
