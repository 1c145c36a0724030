import proto from '@temporalio/proto';
import type { Client } from '@temporalio/client';

/** What a workflow's history costs so far. */
export type HistoryCost = { readonly events: number; readonly bytes: number; readonly actions: number };

const { temporal } = proto;
const { EventType } = temporal.api.enums.v1;

/** Every kind of event that costs an action, as often as it costs; a child counts two, its own start none. */
const prices = new Map<unknown, number>([
  [EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, 1],
  [EventType.EVENT_TYPE_TIMER_STARTED, 1],
  [EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, 1],
  [EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, 1],
  [EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES, 1],
  [EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW, 1],
  [EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED, 2],
]);

/** Reads a history and counts: its size as the server does, encoded and not as JSON. */
export async function historyCost(client: Client, workflowId: string): Promise<HistoryCost> {
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  const events = history.events ?? [];
  const bytes = temporal.api.history.v1.History.encode(history).finish().length;
  const actions = events.reduce((sum, { eventType }) => sum + (prices.get(eventType) ?? 0), 0);
  return { events: events.length, bytes, actions };
}

/** How many runs a workflow has had one after the other, and its largest event in bytes: no payload in it is larger. */
export async function largestEvent(client: Client, workflowId: string): Promise<{ runs: number; bytes: number }> {
  const { HistoryEvent } = temporal.api.history.v1;
  const found = { runs: 0, bytes: 0 };
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const sizes = (events ?? []).map((event) => HistoryEvent.encode(event).finish().length);
    found.runs += 1;
    found.bytes = Math.max(found.bytes, ...sizes);
  }
  return found;
}
