import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { firstOf, heartbeatForm } from '../../src/client/follow/payloads.js';

/** An activity that is under way: which attempt at it that is, why the one before failed, and what it said last. */
export type UnderWay = { readonly attempt: number; readonly failed: string; readonly says: string };

/** How an activity of a run stands, as the server has it; undefined when it is not under way. */
export async function underWay(client: Client, workflowId: string, activity: string): Promise<UnderWay | undefined> {
  try {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    const pending = raw.pendingActivities?.find(({ activityType }) => activityType?.name === activity);
    if (!pending) return undefined;
    const says = firstOf(pending.heartbeatDetails, heartbeatForm)?.sentence ?? '';
    return { attempt: pending.attempt ?? 1, failed: pending.lastFailure?.message ?? '', says };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
