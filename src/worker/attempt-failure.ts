import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { Away, finalKinds } from '../domain/errors.js';
import { cutMiddle } from '../domain/cut.js';
import { plainLines } from '../domain/heard.js';
import { awayDelayMs } from './away-pace.js';

/** How soon an attempt is repeated for what becomes true later by itself. */
const notYetPaceMs = 1_000;

/** How much of a message, and of a stack, a history keeps of one failure. */
const textBytes = 2_048;

/**
 * A failure as the saga reads it: `type` is the kind (our errors by name, `Error` for any other), `details` say which
 * attempt failed, or 1 where no earlier one can be out. The final kinds are never retried; `NotYet` is retried at a
 * fixed pace and `Away` ever more slowly, and neither counts as a failure in metrics.
 */
export function attemptFailure(error: unknown, attempt: number, out = attempt): ApplicationFailure {
  const details = [{ attempt: out }];
  if (!(error instanceof Error)) {
    return ApplicationFailure.create({ message: cut(String(error)), type: 'Error', details });
  }
  const failure = ApplicationFailure.create({
    message: cut(error.message),
    type: kindOf(error),
    nonRetryable: finalKinds.some((kind) => kind === error.name),
    details,
    ...(error.cause instanceof Error && { cause: bounded(error.cause) }),
    ...(error.name === 'NotYet' && {
      category: ApplicationFailureCategory.BENIGN,
      nextRetryDelay: error instanceof Away ? awayDelayMs(attempt) : notYetPaceMs,
    }),
  });
  failure.stack = error.name === 'NotYet' ? '' : cut(error.stack ?? '');
  return failure;
}

function kindOf(error: Error): string {
  return error.name === 'NotYet' || finalKinds.some((kind) => kind === error.name) ? error.name : 'Error';
}

/** A cause without its stack, with its message and its own causes bounded: enough to name what happened underneath. */
function bounded(error: Error, depth = 3): Error {
  const cause = error.cause instanceof Error && depth > 0 ? bounded(error.cause, depth - 1) : undefined;
  const copy = new Error(cut(error.message), cause && { cause });
  copy.name = error.name;
  copy.stack = '';
  return copy;
}

/**
 * Makes a message plain, so that nothing in it moves a cursor, and cuts its middle where a history has no room for it.
 */
function cut(raw: string): string {
  const room = 2 * textBytes; // As much as is cleaned at once.
  return cutMiddle(plainLines(cutMiddle(raw, room), room), textBytes);
}
