import { ActivityFailure, CancellationScope, condition, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import { unansweredMs } from '../../domain/thresholds.js';
import type { Limits } from '../../wire/limits.js';
import type { Attempted } from '../../wire/operation.js';
import type { SweptEngine } from '../../wire/sweep.js';
import { lookPolicy } from '../saga/policies.js';

type Asking = {
  findSwept: (
    ...args: Parameters<Activities['findSwept']>
  ) => Promise<Attempted<Awaited<ReturnType<Activities['findSwept']>>>>;
};

/** The answer of the worker beside an engine, or why there is none. One that goes away meanwhile is not waited for: after each such patience it is seen whether it is there. */
export async function askWhileAttended<T>(
  { engine, attended }: SweptEngine,
  limits: Limits,
  ask: () => Promise<Attempted<T>>,
  patienceMs = unansweredMs * 6,
): Promise<T | string> {
  if (!attended) return 'no worker stands beside it';
  const scope = new CancellationScope();
  let answer: { readonly value: T } | string | undefined;
  let fault: unknown;
  void scope.run(ask).then(
    (given) => (answer = given),
    (error: unknown) => {
      try {
        answer = reasonOf(error);
      } catch (other) {
        fault = other;
      }
    },
  );
  while (!(await condition(() => answer !== undefined || fault !== undefined, patienceMs))) {
    const { findSwept } = proxyActivities<Asking>({ ...lookPolicy(limits), summary: 'is a worker there' });
    const { engines } = (await findSwept()).value;
    if (engines.some((each) => each.engine === engine && each.attended)) continue;
    scope.cancel();
    return 'the worker beside it went away';
  }
  if (fault !== undefined) throw fault;
  return typeof answer === 'object' ? answer.value : (answer ?? 'it did not answer');
}

/** What an activity answered, or why it failed. */
export async function orWhy(asking: Promise<Attempted<string | undefined>>): Promise<string | undefined> {
  try {
    return (await asking).value;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Why an engine or a thing is passed over; a cancel of the run ends it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
  return error.cause?.message ?? error.message;
}
