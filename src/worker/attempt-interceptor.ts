import type { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Logger } from 'pino';
import { Away, NotYet } from '../domain/errors.js';
import { sentenceOf, within } from '../world/sentence.js';
import type { Attempted } from '../wire/operation.js';
import { attemptFailure } from './attempt-failure.js';
import { startClock } from './current-signal.js';
import { countPage } from './page-count.js';

type Next = (input: ActivityExecuteInput) => Promise<unknown>;

/** Beats within one heartbeat time-out: one or two may get lost. */
export const beatsPerTimeout = 3;

/** A slow heartbeat says soon what it waits for. */
const firstBeatMs = 1_500;

/** How often an activity without a heartbeat time-out shows its sentence. */
const idlePaceMs = 10_000;

/** What the last beat of an attempt says that is over, as every attempt before it is: its number. */
type Ended = { readonly ended: number };

/**
 * What every activity gets: a heartbeat at a third of its time-out for as long as the call lives, with the current
 * sentence; its answer as `Attempted`; its failure as `attemptFailure`; log lines at `debug`, and louder ones for
 * problems. Cancellation passes through unchanged and carries no attempt, so that the saga settles after it.
 */
export function attemptInterceptor(log: Logger): ActivityInterceptorsFactory {
  return (context) => ({ inbound: { execute: (input, next) => attempt(context, log, input, next) } });
}

async function attempt(context: Context, log: Logger, input: ActivityExecuteInput, next: Next): Promise<unknown> {
  const { attempt: number, activityType: activity, workflowExecution } = context.info;
  const workflowId = workflowExecution?.workflowId ?? '';
  const line = log.child({ gateway: workflowId.split('/')[1] ?? '', workflowId, activity, attempt: number });
  const startedAt = performance.now();
  const ms = () => Math.round(performance.now() - startedAt);
  const out = noneIsOut(context) ? 1 : number;
  startClock(context);
  line.debug('activity starts');
  try {
    const value = await beating(context, () => next(input));
    countPage(context, 'sent');
    line.debug({ ms: ms() }, 'activity is done');
    return { attempt: out, value } satisfies Attempted<unknown>;
  } catch (error) {
    if (isCancelled(error, context.cancellationSignal)) {
      line.debug({ ms: ms() }, 'activity was cancelled');
      throw error;
    }
    countPage(context, 'failed');
    const failure = attemptFailure(error, number, out);
    const isNews = failure.type !== 'NotYet' && (failure.nonRetryable === true || isTold(number));
    line[isNews ? 'warn' : 'debug']({ ms: ms(), kind: failure.type, err: failure }, 'activity failed');
    throw failure;
  }
}

/** A call that keeps failing is logged at its first attempt, its tenth, and every hundredth. */
function isTold(attempt: number): boolean {
  return attempt === 1 || attempt === 10 || attempt % 100 === 0;
}

/** Whether every earlier attempt is known to be over, so that this one's effects are the last there can be. */
function noneIsOut({ info: { attempt, heartbeatDetails } }: Context): boolean {
  return attempt === 1 || (heartbeatDetails as Partial<Ended> | undefined)?.ended === attempt - 1;
}

/** A `NotYet` was decided on an answer; any other failure that is retried may have left a request on its way. */
function isOver(error: unknown): boolean {
  return error instanceof NotYet && !(error instanceof Away);
}

async function beating<T>(context: Context, fn: () => Promise<T>): Promise<T> {
  const timeoutMs = context.info.heartbeatTimeoutMs;
  return within(async () => {
    const paceMs = timeoutMs ? timeoutMs / beatsPerTimeout : idlePaceMs;
    const beat = () => context.heartbeat({ sentence: sentenceOf() });
    const timer = setInterval(beat, paceMs);
    const first = paceMs > firstBeatMs ? setTimeout(beat, firstBeatMs) : undefined;
    try {
      return await fn();
    } catch (error) {
      // Sent on with the report of the failure: the next attempt reads it, and knows that this one is over.
      if (noneIsOut(context) && isOver(error))
        context.heartbeat({ sentence: sentenceOf(), ended: context.info.attempt });
      throw error;
    } finally {
      clearInterval(timer);
      clearTimeout(first);
    }
  });
}

function isCancelled(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return error instanceof CancelledFailure || (error instanceof Error && error.name === 'AbortError');
}
