import { AsyncLocalStorage } from 'node:async_hooks';
import { jsonBytes } from '../../domain/cut.js';
import { NotYet } from '../../domain/errors.js';
import { aboutChannel, after, logBegin, Rereading, type LogLine, type LogPosition } from '../../domain/gateway/log.js';
import { logBehindMs, logCatchUpMs, logGatherMs, logPieceBytes } from '../../domain/thresholds.js';
import type { DockerEngine, LogWish } from '../../ports/docker-engine.js';
import type { LogRequest } from '../../wire/log.js';
import { Bell } from './bell.js';
import { LogRing } from './log-ring.js';

/** The source outlives the activity that opens it, and so is none of its calls. */
const outside = AsyncLocalStorage.snapshot();

/** A source that says nothing for so long while it is read on has nothing more to say for now. */
const quietMs = 100;

/** Some lines for a reader, how many fell out before them, and whether the engine itself had thrown some away. */
type Taken = { readonly lines: readonly LogLine[]; readonly lost: number; readonly hasGap: boolean };

/**
 * The log of one container, held open for one reader: what there is, then what comes. It is read as far as the ring
 * takes it; then the source waits. A reader that falls behind what comes is brought to the present, and what fell out
 * meanwhile is counted.
 */
export class HeldLog {
  readonly container: string;
  readonly #engine: DockerEngine;
  readonly #asked: LogRequest;
  readonly #isAbout: (line: LogLine) => boolean;
  readonly #ring = new LogRing();
  readonly #over = new AbortController();
  #stage: 'past' | 'present' | 'over' = 'past';
  #failure: unknown;
  /** After the last line that was given to the reader, and after the last that came from the engine. */
  #given: LogPosition;
  #come: LogPosition = logBegin;
  #position: LogPosition;
  #hasGap = false;
  /** Whether which lines were asked for is known: of the last ones, only at the end. */
  #mayGive = true;
  #behindSince: number | undefined;
  #catchesUp = false;
  #pieces = 0;
  readonly #bell = new Bell();

  private constructor(engine: DockerEngine, container: string, asked: LogRequest, from: LogPosition) {
    this.#engine = engine;
    this.container = container;
    this.#asked = asked;
    this.#isAbout = aboutChannel(asked.channel);
    this.#given = from;
    this.#position = from;
  }

  /** Opens a log as it was asked for: its tail, then what comes. */
  static open(engine: DockerEngine, container: string, asked: LogRequest): HeldLog {
    const { tail, since, channel } = asked;
    const trimmed = tail !== undefined && (channel !== undefined || tail === 0); // Only we know which lines those are.
    const wish = {
      ...(since !== undefined && { since }),
      ...(trimmed ? tail === 0 && { tail: 1 } : tail !== undefined && { tail }),
      follow: false,
    };
    return new HeldLog(engine, container, asked, logBegin).#begin(wish, trimmed ? tail : undefined);
  }

  /** Opens a log after the last line that its reader has; all that was asked for when it has none of this container. */
  static goOn(engine: DockerEngine, container: string, asked: LogRequest, from: LogPosition): HeldLog {
    const since = from.at === '' ? asked.since : from.at;
    const wish = { ...(since !== undefined && { since }), follow: false };
    return new HeldLog(engine, container, asked, from).#begin(wish, undefined);
  }

  /** How far the reader was when it was last given something: after that line, or after all that is not for it. */
  get position(): LogPosition {
    return this.#position;
  }

  /** Whether everything that there was has been given, and nothing will come. */
  get isOver(): boolean {
    return this.#stage === 'over' && this.#ring.length === 0;
  }

  /**
   * The next lines, made showable and together no more than one answer carries; none when none came in time. Why the
   * source failed is thrown when nothing is left to give.
   */
  async next(waitMs: number, signal: AbortSignal | undefined, show: (line: LogLine) => LogLine): Promise<Taken> {
    const wake = () => this.#bell.ring();
    signal?.addEventListener('abort', wake, { once: true });
    try {
      if (this.#behindSince !== undefined && Date.now() - this.#behindSince > logBehindMs) await this.#catchUp();
      await this.#gather(Date.now() + waitMs, signal);
      signal?.throwIfAborted();
      if (this.isOver && this.#failure !== undefined) throw this.#failure;
      return this.#take(show);
    } finally {
      signal?.removeEventListener('abort', wake);
    }
  }

  close(): void {
    this.#over.abort();
    this.#bell.ring();
  }

  #begin(wish: LogWish, keep: number | undefined): this {
    void outside(() => this.#run(wish, keep));
    return this;
  }

  async #run(wish: LogWish, keep: number | undefined): Promise<void> {
    try {
      await this.#readPast(wish, keep);
      if (!this.#asked.follow) return;
      this.#stage = 'present';
      this.#bell.ring();
      await this.#readOn(wish, true);
      await this.#readLast(wish);
    } catch (error) {
      this.#failure = error; // Thrown to the reader, after the lines that came before it.
    } finally {
      this.#stage = 'over';
      this.#bell.ring();
    }
  }

  async #readPast(wish: LogWish, keep: number | undefined): Promise<void> {
    const known = new Rereading(this.#given);
    this.#mayGive = keep === undefined;
    await this.#read(wish, keep === undefined, (line) => {
      known.begin(line);
      this.#hasGap ||= known.hasGap;
      if (!this.#isAbout(line) || known.knows(line)) return;
      this.#ring.push(line);
      if (keep !== undefined) this.#ring.keepLast(keep);
    });
    if (keep !== undefined) this.#ring.takeLost(); // Older than what was asked for.
    this.#mayGive = true;
  }

  /** S4-44: an engine that follows a log may miss what a process says in the very end; the log itself has it. */
  async #readLast(wish: LogWish): Promise<void> {
    try {
      await this.#readOn(wish, false);
    } catch (error) {
      if (!(error instanceof NotYet)) throw error; // The container has gone, and what it said last with it.
    }
  }

  async #readOn({ since }: LogWish, follow: boolean): Promise<void> {
    const known = new Rereading(this.#come);
    const from = this.#come.at === '' ? since : this.#come.at;
    await this.#read({ ...(from !== undefined && { since: from }), follow }, true, (line) => {
      known.begin(line);
      this.#hasGap ||= known.hasGap;
      if (!known.knows(line) && this.#isAbout(line)) this.#ring.push(line);
    });
  }

  async #read(wish: LogWish, mayWait: boolean, take: (line: LogLine) => void): Promise<void> {
    const source = await this.#engine.openLog(this.container, wish, this.#over.signal);
    for await (const lines of source) {
      for (const line of lines) {
        take(line);
        this.#come = after(this.#come, line);
      }
      this.#pieces += 1;
      this.#bell.ring();
      if (mayWait) await this.#room();
    }
  }

  /** Returns when the reader has made room: until then nothing is taken from the source. */
  async #room(): Promise<void> {
    while (this.#ring.isFull && !this.#catchesUp && !this.#over.signal.aborted) {
      if (this.#stage === 'present') this.#behindSince ??= Date.now();
      await this.#bell.heard();
    }
  }

  /** Reads on although the ring is full, until the source is quiet, but for a limited time. */
  async #catchUp(): Promise<void> {
    const until = Date.now() + logCatchUpMs;
    this.#behindSince = undefined;
    this.#catchesUp = true;
    this.#bell.ring();
    for (let seen = -1; seen !== this.#pieces && Date.now() < until && this.#stage !== 'over';) {
      seen = this.#pieces;
      await this.#bell.heard(quietMs);
    }
    this.#catchesUp = false;
  }

  /** Waits until there is enough for an answer, or something and a moment to gather more, or the time is over. */
  async #gather(until: number, signal: AbortSignal | undefined): Promise<void> {
    let gathered = until;
    const isCancelled = () => signal?.aborted === true;
    while (Date.now() < gathered && !isCancelled() && this.#stage !== 'over') {
      if (this.#mayGive && this.#ring.bytes >= logPieceBytes) return;
      const isFirst = gathered === until && this.#ring.length > 0 && this.#stage === 'present';
      if (isFirst) gathered = Math.min(until - 1, Date.now() + logGatherMs);
      await this.#bell.heard(gathered - Date.now());
    }
  }

  #take(show: (line: LogLine) => LogLine): Taken {
    const lost = this.#mayGive ? this.#ring.takeLost() : 0;
    const hasGap = this.#hasGap;
    this.#hasGap = false;
    const lines: LogLine[] = [];
    let bytes = 0;
    for (let line = this.#ring.peek(); line && this.#mayGive; line = this.#ring.peek()) {
      const shown = show(line);
      bytes += jsonBytes(shown);
      if (bytes > logPieceBytes && lines.length > 0) break;
      lines.push(shown);
      this.#ring.shift();
      this.#given = after(this.#given, line);
    }
    const isAllGiven = this.#ring.length === 0 && this.#come.at !== '';
    this.#position = isAllGiven ? this.#come : this.#given;
    if (isAllGiven) this.#behindSince = undefined;
    this.#bell.ring();
    return { lines, lost, hasGap };
  }
}
