import { randomBytes } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { Gateway } from '../domain/gateway/gateway.js';
import { newRecipient, type Recipient } from '../domain/keys/seal.js';
import { logWorkflowId, taskQueue } from '../wire/ids.js';
import { defaultLimits } from '../wire/limits.js';
import type { LogContent, LogCursor, LogEnd, LogInput, LogPiece, LogRequest } from '../wire/log.js';
import { nextLogLinesUpdate } from '../wire/messages.js';
import { gatewayBirthKey, gatewayIdKey } from '../wire/search-attributes.js';
import { unattended } from './looks.js';
import { unwrap } from './failure.js';
import { patiently } from './patience.js';

/** What was read, and whether it is the end. */
export type LogRead = LogContent & { readonly end?: LogEnd };

/** Who reads what, and where. */
type Reader = { readonly gateway: Gateway; readonly who: string; readonly asked: LogRequest };

/** A reader that goes says so, but waits for no answer longer than this. */
const farewellMs = 1_000;

/** A question waits up to ten seconds for a line, and may meet a busy worker. */
const askMs = 30_000;

/** How often, while a question is open, it is looked whether anybody works on it: it may be open for hours, one after the other. */
const lookMs = 3_000;

/** How often in a row a run may end without an answer: a reader that was silent for long begins another. */
const renewalsMost = 3;

/**
 * Reads a gateway's log, piece by piece, each asked for when the one before was taken. `TurnedDown`, `NoWorker`,
 * `Unreachable`. Whoever leaves it, or fires the signal, ends it at the worker as well.
 */
export async function* readLog(
  client: Client,
  reader: Reader,
  over: AbortSignal,
  limits = defaultLimits,
): AsyncGenerator<LogRead> {
  const reading = await Reading.open(client, reader, limits, over);
  try {
    for (let end: LogEnd | undefined; end === undefined;) {
      const read = await reading.next();
      yield read;
      end = read.end;
    }
  } catch (error) {
    throw unwrap(error);
  } finally {
    await reading.leave();
  }
}

/** A reader of one log, through as many runs as it takes. */
class Reading {
  readonly #client: Client;
  readonly #input: LogInput;
  readonly #recipient: Recipient;
  readonly #over: AbortSignal;
  #run: WorkflowHandle | undefined;
  #asked = 0;
  #cursor: LogCursor | null = null;

  private constructor(client: Client, input: LogInput, recipient: Recipient, over: AbortSignal) {
    this.#over = over;
    this.#client = client;
    this.#input = input;
    this.#recipient = recipient;
  }

  static async open(client: Client, reader: Reader, limits: LogInput['limits'], over: AbortSignal): Promise<Reading> {
    const recipient = await newRecipient();
    const input = { ...reader, limits, recipient: recipient.publicKey, reader: randomBytes(8).toString('hex') };
    return new Reading(client, input, recipient, over);
  }

  async next(): Promise<LogRead> {
    const { sealed, cursor, end, isLast } = await this.#piece();
    this.#cursor = cursor ?? null;
    if (isLast || end !== undefined) this.#run = undefined;
    const text = (await this.#recipient.open(sealed, `creel logs ${this.#input.gateway.mark.gateway}`)).reveal();
    const content = JSON.parse(text) as LogContent;
    return { ...content, ...(end !== undefined && { end }) };
  }

  /** Has the run end now instead of after a silence. */
  async leave(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    const cancelled = this.#client.withDeadline(Date.now() + farewellMs, () => run.cancel());
    await cancelled.catch(() => undefined); // It ends by itself.
  }

  async #piece(): Promise<LogPiece> {
    for (let renewed = 0; ; renewed += 1) {
      const run = (this.#run ??= await this.#begin());
      try {
        return await this.#ask(run);
      } catch (error) {
        if (renewed >= renewalsMost || !(await hasEnded(run))) throw error;
        this.#run = undefined;
      }
    }
  }

  async #begin(): Promise<WorkflowHandle> {
    const { gateway: id, birth } = this.#input.gateway.mark;
    this.#asked = 0;
    return this.#client.workflow.start('readLog', {
      workflowId: logWorkflowId(id, birth, randomBytes(4).toString('hex')),
      taskQueue,
      args: [this.#input],
      staticSummary: `read the log of gateway ${id}`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: gatewayIdKey, value: id },
        { key: gatewayBirthKey, value: birth },
      ]),
    });
  }

  /** Asks once; a question that is repeated is the same one. */
  async #ask(run: WorkflowHandle): Promise<LogPiece> {
    this.#asked += 1;
    const updateId = `lines-${this.#asked}`;
    const answered = new AbortController();
    const left = AbortSignal.any([answered.signal, this.#over]);
    const args: [LogCursor | null] = [this.#cursor];
    const call = () => run.executeUpdate(nextLogLinesUpdate, { args, updateId });
    const meanwhile = 'the log is not read on. Start one with `creel worker`';
    const answer = patiently(this.#client, call, { withinMs: askMs, meanwhile, paceMs: lookMs });
    const { place } = this.#input.gateway;
    answer.catch(() => undefined); // Heard in the race, or nobody has to.
    try {
      return await Promise.race([answer, unattended(this.#client, run, place, left, lookMs)]);
    } finally {
      answered.abort();
    }
  }
}

/** Whether a run is over, for whatever reason: one that nobody asked for long has ended by itself. */
async function hasEnded(run: WorkflowHandle): Promise<boolean> {
  return (await run.describe()).status.name !== 'RUNNING';
}
