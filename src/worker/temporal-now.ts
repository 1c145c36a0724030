import { asyncLocalStorage, type Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { startOf } from './current-signal.js';

/**
 * Temporal's clock, as far as an activity can know it: the server noted when it handed this attempt out, and the time
 * passed since is the same for everybody. Costs each attempt that uses it one question to the server.
 */
export function temporalNow({ workflow }: Client): () => Promise<number> {
  const begins = new WeakMap<Context, Promise<number>>();
  return async () => {
    const context = asyncLocalStorage.getStore();
    if (!context) throw new Error('only an activity can ask what time it is at Temporal');
    const begin = begins.get(context) ?? askBegin(workflow, context);
    begins.set(context, begin);
    return (await begin) + performance.now() - startOf(context);
  };
}

/** When the server handed this attempt out, in epoch milliseconds; where it does not say, when it queued it. */
async function askBegin(workflow: Client['workflow'], { info }: Context): Promise<number> {
  const { workflowId = '', runId } = info.workflowExecution ?? {};
  const { raw } = await workflow.getHandle(workflowId, runId).describe();
  const own = raw.pendingActivities?.find(({ activityId }) => activityId === info.activityId);
  const { seconds, nanos } = own?.lastStartedTime ?? {};
  if (seconds === undefined || seconds === null) return info.currentAttemptScheduledTimestampMs;
  return Number(seconds) * 1000 + (nanos ?? 0) / 1e6;
}
