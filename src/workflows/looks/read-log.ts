import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { logAsksMost, logGoneMs, logWaitMs } from '../../domain/thresholds.js';
import type { LogCursor, LogInput, LogPiece } from '../../wire/log.js';
import { nextLogLinesUpdate } from '../../wire/messages.js';
import type { Attempted } from '../../wire/operation.js';
import { logPolicy } from '../saga/policies.js';
import { onItsEngine } from './look.js';

const unread = { summary: 'until the reader counts as gone' };

type Reading = {
  findLogLines: (...args: Parameters<Activities['findLogLines']>) => Promise<Attempted<LogPiece>>;
};

/**
 * Reads a gateway's log for somebody who asks for the next lines again and again. It answers a bounded number of
 * questions, one after the other, and ends when none comes: then the reader has gone.
 */
export async function readLog(input: LogInput): Promise<void> {
  const gateway = onItsEngine(input);
  gateway.catch(() => undefined); // Told to whoever asks.
  let asked = 0;
  let open = 0;
  let hasEnded = false;
  setHandler(nextLogLinesUpdate, async (cursor) => {
    asked += 1;
    open += 1;
    const number = asked;
    try {
      const piece = await linesAfter(cursor, await gateway, input, number === 1);
      hasEnded ||= piece.end !== undefined;
      return number < logAsksMost ? piece : { ...piece, isLast: true };
    } finally {
      open -= 1;
    }
  });
  try {
    for (let seen = 0; seen < logAsksMost; seen = asked) {
      const before = seen;
      await condition(() => open === 0);
      if (hasEnded) return;
      if (!(await condition(() => asked > before, input.limits.logGoneMs ?? logGoneMs, unread))) return;
    }
  } catch (error) {
    if (!isCancellation(error)) throw error; // The reader says that it goes.
  } finally {
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
}

async function linesAfter(
  cursor: LogCursor | null,
  gateway: Gateway,
  { limits, ...input }: LogInput,
  isFirst: boolean,
): Promise<LogPiece> {
  const waitMs = Math.min(logWaitMs, limits.actMs / 3);
  const { findLogLines } = proxyActivities<Reading>(logPolicy(limits, gateway.place));
  return (await findLogLines({ ...input, gateway, isFirst, waitMs, ...(cursor && { cursor }) })).value;
}
