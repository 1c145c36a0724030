import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { Away, finalKinds } from '../domain/errors.js';
import { cutMiddle } from '../domain/cut.js';
import { plainLines } from '../domain/heard.js';
import { awayDelayMs } from './away-pace.js';

/** How soon something that is true later by itself is asked for again. */
const notYetPaceMs = 1_000;

/** The most of a message, and of a stack, that a history keeps of one failure. */
const textBytes = 2_048;

/**
 * A failure as the saga reads it: `type` is the kind (our errors by name, `Error` for any other), `details` say which attempt
 * failed. The final kinds are never retried; `NotYet` is asked again at a fixed pace, what
 * is away ever more slowly, and neither counts as a failure in metrics.
 */
export function attemptFailure(error: unknown, attempt: number): ApplicationFailure {
  const details = [{ attempt }];
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

/** A cause without its stack, its message and its own causes bounded: enough to name what happened underneath. */
function bounded(error: Error, depth = 3): Error {
  const cause = error.cause instanceof Error && depth > 0 ? bounded(error.cause, depth - 1) : undefined;
  const copy = new Error(cut(error.message), cause && { cause });
  copy.name = error.name;
  copy.stack = '';
  return copy;
}

/** Whatever a message quotes, nothing in it moves a cursor; without its middle where a history has no room for all of it. */
function cut(raw: string): string {
  const room = 2 * textBytes; // As much as is made plain whole.
  return cutMiddle(plainLines(cutMiddle(raw, room), room), textBytes);
}
