import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { Attempted } from '../../wire/operation.js';
import type { Limits } from '../../wire/limits.js';
import { sendPage } from '../saga/page.js';

/** The activities of these names, whose answers say which attempt they are. */
export type Asking<K extends keyof Activities> = {
  [N in K]: (...args: Parameters<Activities[N]>) => Promise<Attempted<Awaited<ReturnType<Activities[N]>>>>;
};

/** Runs what a schedule has begun. When it fails, a person is told and the run fails, for whoever looks at the schedule. */
export async function paging<T>(what: string, limits: Limits, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ActivityFailure || error instanceof ChildWorkflowFailure)) throw error;
    const reason = error.cause?.message ?? error.message;
    await tell(`${what} failed`, `${reason}. \`creel schedules\` shows when it runs next`, limits);
    const type = error.cause instanceof ApplicationFailure ? (error.cause.type ?? 'Error') : 'Error';
    throw ApplicationFailure.create({ message: reason, type, nonRetryable: true });
  }
}

/** Tells a person something of this run, once. */
export async function tell(title: string, text: string, limits: Limits): Promise<void> {
  const { workflowId, startTime } = workflowInfo();
  await sendPage({ id: workflowId, gateway: 'none', title, text, at: startTime.toISOString() }, limits);
}
