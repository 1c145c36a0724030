import type { LogCursor } from '../../wire/log.js';
import { logGoneMs, logReadersMost } from '../../domain/thresholds.js';
import type { HeldLog } from './held-log.js';

type Held = { readonly log: HeldLog; readonly timer: NodeJS.Timeout };

/**
 * The logs that a worker holds open between two questions of their readers. One that is not asked for again is closed;
 * whoever asks another worker, or too late, begins again where it was, and misses nothing that the engine still has.
 */
export class LogReaders {
  readonly #goneMs: number;
  readonly #held = new Map<string, Held>();

  constructor(goneMs: number = logGoneMs) {
    this.#goneMs = goneMs;
  }

  /** The reader's log, if it is held here and stands where the reader does. Whoever takes it keeps or closes it. */
  take(reader: string, cursor: LogCursor | undefined): HeldLog | undefined {
    const held = this.#held.get(reader);
    if (!held) return undefined;
    clearTimeout(held.timer);
    this.#held.delete(reader);
    if (standsAt(held.log, cursor)) return held.log;
    held.log.close();
    return undefined;
  }

  /** Holds a log for the reader's next question. */
  keep(reader: string, log: HeldLog): void {
    this.#drop(reader);
    const timer = setTimeout(() => this.#drop(reader), this.#goneMs).unref();
    this.#held.set(reader, { log, timer });
    const [oldest] = this.#held.keys();
    if (this.#held.size > logReadersMost && oldest !== undefined) this.#drop(oldest);
  }

  #drop(reader: string): void {
    const held = this.#held.get(reader);
    if (!held) return;
    clearTimeout(held.timer);
    this.#held.delete(reader);
    held.log.close();
  }
}

function standsAt({ container, position }: HeldLog, cursor: LogCursor | undefined): boolean {
  if (!cursor) return position.at === '';
  return container === cursor.container && position.at === cursor.at && position.count === cursor.count;
}
