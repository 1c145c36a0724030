import { setTimeout as sleep } from 'node:timers/promises';
import { Away, NotYet, Refused } from '../../domain/errors.js';
import { names, type Gateway } from '../../domain/gateway/gateway.js';
import type { LogLine } from '../../domain/gateway/log.js';
import { plain, plainLogLine } from '../../domain/heard.js';
import { seal } from '../../domain/keys/seal.js';
import { Secret } from '../../domain/secret.js';
import { callerCharacters } from '../../domain/thresholds.js';
import type { Container } from '../../ports/docker-engine.js';
import type { LogContent, LogCursor, LogEnd, LogInput, LogNews, LogPiece } from '../../wire/log.js';
import type { Deps } from '../../world/deps.js';
import { knownSecrets } from '../parts/door/known-secrets.js';
import { lifeOnRecord } from '../parts/life-on-record.js';
import { findOurs } from '../parts/ours.js';
import { HeldLog } from './held-log.js';
import { LogReaders } from './log-readers.js';

/** One question of a reader: how far it has come, and whether it is the first of a stretch. */
type Question = Omit<LogInput, 'limits'> & {
  readonly cursor?: LogCursor;
  readonly isFirst: boolean;
  readonly waitMs: number;
};

type Found = { readonly content: LogContent; readonly cursor?: LogCursor; readonly end?: LogEnd };

/** How often a container that does not run, or is not there, is looked at. */
const paceMs = 500;

/** Held by the process, for whichever attempt asks next. */
const readers = new LogReaders();

/**
 * The next lines of a gateway's log after a cursor, each plain and without secrets, sealed so that only the reader's key
 * opens them. It waits for some, but not for long. Once in each stretch the audit log notes first who reads.
 */
export async function findLogLines(deps: Deps, question: Question): Promise<LogPiece> {
  const { gateway: id } = question.gateway.mark;
  const { content, ...rest } = await readOn(deps, question);
  const text = new Secret(JSON.stringify(content));
  return { sealed: await seal(question.recipient, text, `creel logs ${id}`), ...rest };
}

async function readOn(deps: Deps, question: Question): Promise<Found> {
  const life = await lifeFor(deps, question);
  if (!life) return { content: { lines: [] }, end: 'removed' };
  if (question.isFirst) await noteReading(deps, life, question.who);
  const secrets = await knownSecrets(deps, life);
  const show = (line: LogLine): LogLine => ({ ...line, text: plainLogLine(line.text, secrets) });
  const reading = new Reading(deps, life, question, show);
  const until = Date.now() + question.waitMs;
  for (;;) {
    const found = await reading.readOn(until);
    if (found) return found;
    if (Date.now() + paceMs >= until) return reading.nothing();
    const signal = deps.signal();
    await sleep(paceMs, undefined, signal && { signal });
  }
}

/** The life whose log is read; undefined when it ended while it was followed. */
async function lifeFor(deps: Deps, { gateway, cursor }: Question): Promise<Gateway | undefined> {
  try {
    return await lifeOnRecord(deps, gateway);
  } catch (error) {
    if (error instanceof Refused && cursor) return undefined;
    throw error;
  }
}

async function noteReading(deps: Deps, life: Gateway, who: string): Promise<void> {
  await deps.audit.append({
    at: new Date().toISOString(),
    who: plain(who, callerCharacters),
    gateway: life.mark.gateway,
    birth: life.mark.birth,
    generation: life.tokenGeneration,
    keyId: deps.keys.of(life).id,
    what: 'log read',
    given: 'log lines',
  });
}

/** One question while it is answered: from the log that is held for its reader, or from one that is opened for it. */
class Reading {
  readonly #deps: Deps;
  readonly #life: Gateway;
  readonly #question: Question;
  readonly #show: (line: LogLine) => LogLine;
  #cursor: LogCursor | undefined;

  constructor(deps: Deps, life: Gateway, question: Question, show: (line: LogLine) => LogLine) {
    this.#deps = deps;
    this.#life = life;
    this.#question = question;
    this.#show = show;
    this.#cursor = question.cursor;
  }

  /** What there is to say by then; undefined when nothing new is. A follower waits for an engine that is away. */
  async readOn(until: number): Promise<Found | undefined> {
    try {
      return (await this.#takeLines(until)) ?? (await this.#lookAtContainer());
    } catch (error) {
      if (!(error instanceof Away && this.#question.asked.follow && this.#cursor)) throw error;
      return this.#cursor.isDown ? undefined : this.#tell('away', { ...this.#cursor, isDown: true });
    }
  }

  /** What the log gives by then; undefined when nothing more comes of this container for now. */
  async #takeLines(until: number): Promise<Found | undefined> {
    if (this.#cursor?.isDown) return undefined;
    const log = readers.take(this.#question.reader, this.#cursor) ?? (await this.#open());
    if (!log) return undefined;
    let isKept = false;
    try {
      const { lines, lost, hasGap } = await log.next(until - Date.now(), this.#deps.signal(), this.#show);
      if (log.position.at !== '' || this.#cursor) this.#cursor = { container: log.container, ...log.position };
      const content = { lines, ...(lost > 0 && { lost }), ...(hasGap && { hasGap }) };
      if (log.isOver && !this.#question.asked.follow) return { ...this.#found(content), end: 'read' };
      if (log.isOver && lines.length === 0 && lost === 0) return undefined;
      readers.keep(this.#question.reader, log);
      isKept = true;
      return this.#found(content);
    } finally {
      if (!isKept) log.close();
    }
  }

  /** What has become of the container whose log is over; undefined when there is nothing new to say. */
  async #lookAtContainer(): Promise<Found | undefined> {
    const container = await this.#container();
    if (!container) return undefined;
    const cursor = this.#cursor ?? { container: container.id, at: '', count: 0 };
    if (container.id !== cursor.container) return this.#tell('replaced', { container: container.id, at: '', count: 0 });
    const isDown = container.state !== 'running';
    if (isDown && !cursor.isDown) return this.#tell('stopped', { ...cursor, isDown: true });
    const { container: id, at, count } = cursor;
    return !isDown && cursor.isDown ? this.#tell('started', { container: id, at, count }) : undefined;
  }

  /** An answer without anything. */
  nothing(): Found {
    return this.#found({ lines: [] });
  }

  async #open(): Promise<HeldLog | undefined> {
    const container = await this.#container();
    const cursor = this.#cursor;
    if (!container || (cursor && container.id !== cursor.container)) return undefined;
    const engine = this.#deps.engineAt(this.#life.place);
    const { asked } = this.#question;
    return cursor ? HeldLog.goOn(engine, container.id, asked, cursor) : HeldLog.open(engine, container.id, asked);
  }

  /** The gateway's container; while one takes another's place there is none, for which a follower waits. */
  async #container(): Promise<Container | undefined> {
    const { container: name } = names(this.#life.mark);
    const found = await findOurs(this.#deps, this.#life, name);
    const { asked, gateway } = this.#question;
    if (!found && !asked.follow)
      throw new NotYet(
        `gateway ${gateway.mark.gateway} has no container, and so no log. \`creel describe ${gateway.mark.gateway}\` says why`,
      );
    return found;
  }

  #tell(news: LogNews, cursor: LogCursor): Found {
    this.#cursor = cursor;
    return this.#found({ lines: [], news });
  }

  #found(content: LogContent): Found {
    return { content, ...(this.#cursor && { cursor: this.#cursor }) };
  }
}
