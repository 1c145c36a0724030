import type { temporal } from '@temporalio/proto';
import type { z } from 'zod';
import { readsBackward, type OperationOutcome } from '../../wire/operation.js';
import type { Park } from '../../wire/park.js';
import { registry } from '../../workflows/operations.js';
import { commandsFor, readOperationId, titleOf, type Frame, type StepFrame } from './frame.js';
import {
  firstOf,
  heartbeatForm,
  operationInputForm,
  operationResultForm,
  parkForm,
  replyForm,
  textOf,
} from './payloads.js';

type Event = temporal.api.history.v1.IHistoryEvent;
type Timestamp = { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined;
type Failure = temporal.api.failure.v1.IFailure | null | undefined;

/** What the server knows of a run: its events, and what is pending. */
export type Seen = {
  readonly workflowId: string;
  readonly events: readonly Event[];
  readonly pendingActivities: readonly temporal.api.workflow.v1.IPendingActivityInfo[];
  readonly pendingTask: temporal.api.workflow.v1.IPendingWorkflowTaskInfo | null | undefined;
};

type Step = { -readonly [Key in keyof StepFrame]: StepFrame[Key] };
type Result = z.infer<typeof operationResultForm>;

type Folding = {
  input: z.infer<typeof operationInputForm> | undefined;
  readonly steps: Map<string, Step>;
  /** The step that each activity belongs to, by its scheduling event. */
  readonly scheduled: Map<string, Call>;
  readonly timers: Map<string, string>;
  /** The queue on which each activity waits for a worker, by its id. */
  readonly queues: Map<string, string>;
  undoing: boolean;
  park: Park | undefined;
  startedAt: string | undefined;
  endedAt: string | undefined;
  outcome: OperationOutcome | 'lost' | undefined;
  reason: string;
  result: Result | undefined;
};

type Call = { readonly step: Step; readonly doing: 'do' | 'undo'; readonly activityId: string };

/** What people see of an operation: a pure fold of its history and its pending activities. */
export function progress(seen: Seen): Frame {
  const folding: Folding = {
    input: undefined,
    steps: new Map(),
    scheduled: new Map(),
    timers: new Map(),
    queues: new Map(),
    undoing: false,
    park: undefined,
    startedAt: undefined,
    endedAt: undefined,
    outcome: undefined,
    reason: '',
    result: undefined,
  };
  for (const event of seen.events) {
    foldRun(folding, event);
    foldActivity(folding, event);
    foldWaiting(folding, event);
  }
  if (!folding.outcome) foldPending(folding, seen);
  return frameOf(seen, folding, folding.outcome ? undefined : unattendedSince(seen));
}

/** The start and the end of the run. */
function foldRun(folding: Folding, event: Event): void {
  const started = event.workflowExecutionStartedEventAttributes;
  if (started) {
    folding.startedAt = iso(event.eventTime);
    folding.input = firstOf(started.input, operationInputForm);
    folding.undoing = folding.input !== undefined && readsBackward(folding.input.kind);
    for (const name of shownSteps(folding.input))
      folding.steps.set(name, { name, state: 'waiting', attempt: 1, sentence: '' });
  }
  const completed = event.workflowExecutionCompletedEventAttributes;
  if (completed) end(folding, event, firstOf(completed.result, operationResultForm), 'it ended without saying how');
  const failure = event.workflowExecutionFailedEventAttributes?.failure;
  if (failure) {
    const said = firstOf(failure.applicationFailureInfo?.details, operationResultForm);
    end(folding, event, said, failure.message || 'it failed without saying why');
  }
  const terminated = event.workflowExecutionTerminatedEventAttributes;
  if (terminated) end(folding, event, undefined, `terminated by hand: ${terminated.reason || 'no reason given'}`);
  if (event.workflowExecutionTimedOutEventAttributes) end(folding, event, undefined, 'its run timed out');
  const canceled = event.workflowExecutionCanceledEventAttributes;
  if (canceled) end(folding, event, firstOf(canceled.details, operationResultForm), 'cancelled');
}

function end(folding: Folding, event: Event, result: Result | undefined, otherwise: string): void {
  folding.endedAt = iso(event.eventTime);
  folding.result = result;
  folding.outcome = result?.outcome ?? 'lost';
  folding.reason = result?.reason ?? otherwise;
  folding.park = undefined;
  for (const name of result?.skipped ?? []) change(folding, name, { state: 'skipped' });
  for (const { step, reason } of result?.left ?? []) change(folding, step, { state: 'failed', sentence: reason });
}

/** What became of each activity, whose summary names the step, or `undo` and the step. */
function foldActivity(folding: Folding, event: Event): void {
  const scheduled = event.activityTaskScheduledEventAttributes;
  if (scheduled) return schedule(folding, event, scheduled.activityId ?? '', scheduled.taskQueue?.name ?? '');
  const started = event.activityTaskStartedEventAttributes;
  if (started) {
    const call = folding.scheduled.get(String(started.scheduledEventId));
    if (call) call.step.attempt = started.attempt ?? 1;
    return;
  }
  const completed = event.activityTaskCompletedEventAttributes;
  if (completed) return endCall(folding, event, completed.scheduledEventId, undefined);
  const failed = event.activityTaskFailedEventAttributes;
  if (failed) return endCall(folding, event, failed.scheduledEventId, sentenceOf(failed.failure));
  const timedOut = event.activityTaskTimedOutEventAttributes;
  if (timedOut) return endCall(folding, event, timedOut.scheduledEventId, sentenceOf(timedOut.failure));
  const canceled = event.activityTaskCanceledEventAttributes;
  if (canceled) endCall(folding, event, canceled.scheduledEventId, 'cancelled');
}

function schedule(folding: Folding, event: Event, activityId: string, queue: string): void {
  folding.queues.set(activityId, queue);
  const summary = textOf(event.userMetadata?.summary);
  const doing = summary.startsWith('undo ') ? 'undo' : 'do';
  const step = folding.steps.get(doing === 'undo' ? summary.slice('undo '.length) : summary);
  if (!step) return; // a page, or another call that no step names
  const state = doing === 'undo' ? 'undoing' : 'running';
  if (doing === 'undo') folding.undoing = true;
  delete step.endedAt;
  delete step.waits;
  Object.assign(step, { state, startedAt: iso(event.eventTime), attempt: 1, sentence: '' });
  folding.scheduled.set(String(event.eventId), { step, doing, activityId });
}

function endCall(folding: Folding, event: Event, scheduledEventId: unknown, failure: string | undefined): void {
  const call = folding.scheduled.get(String(scheduledEventId));
  if (!call) return;
  folding.scheduled.delete(String(scheduledEventId));
  const state = failure !== undefined ? 'failed' : call.doing === 'undo' ? 'undone' : 'done';
  Object.assign(call.step, { state, endedAt: iso(event.eventTime), sentence: failure ?? '' });
}

/** Parks, operators' answers to them, and the timer that waits for a lost attempt. */
function foldWaiting(folding: Folding, event: Event): void {
  const sent = event.signalExternalWorkflowExecutionInitiatedEventAttributes;
  if (sent?.signalName === 'parked') folding.park = firstOf(sent.input, parkForm);
  const received = event.workflowExecutionSignaledEventAttributes;
  if (received?.signalName === 'reply') answer(folding, firstOf(received.input, replyForm));
  const timer = event.timerStartedEventAttributes;
  if (timer) folding.timers.set(String(event.eventId), textOf(event.userMetadata?.summary));
  const over = event.timerFiredEventAttributes ?? event.timerCanceledEventAttributes;
  if (over) folding.timers.delete(String(over.startedEventId));
}

function answer(folding: Folding, reply: z.infer<typeof replyForm> | undefined): void {
  const { park } = folding;
  if (!reply || reply.park !== park?.number) return;
  folding.park = undefined;
  if (reply.answer === 'skip') change(folding, park.step, { state: 'skipped' });
}

/** Lets the pending activities speak for their steps. */
function foldPending(folding: Folding, seen: Seen): void {
  const byActivity = new Map([...folding.scheduled.values()].map((call) => [call.activityId, call.step]));
  for (const pending of seen.pendingActivities) {
    const step = byActivity.get(pending.activityId ?? '');
    if (!step) continue;
    step.attempt = pending.attempt || 1;
    if (pending.lastFailure?.applicationFailureInfo?.type === 'NotYet') step.waits = true;
    else delete step.waits;
    const heard = firstOf(pending.heartbeatDetails, heartbeatForm)?.sentence ?? '';
    const failed = pending.lastFailure ? sentenceOf(pending.lastFailure) : '';
    step.sentence = (Number(pending.state) === scheduledState ? failed || heard : heard || failed) || step.sentence;
  }
}

/**
 * Since when the oldest piece of work has been waiting for a worker (ISO 8601; in the future while a retry backs off);
 * undefined when a worker has everything in hand.
 */
export function unattendedSince(seen: Pick<Seen, 'pendingActivities' | 'pendingTask'>): string | undefined {
  const task = seen.pendingTask && !seen.pendingTask.startedTime?.seconds ? [iso(seen.pendingTask.scheduledTime)] : [];
  const activities = seen.pendingActivities
    .filter((pending) => Number(pending.state) === scheduledState)
    .map((pending) => iso(pending.scheduledTime));
  return [...task, ...activities].toSorted()[0];
}

/** The queue of the activity that no worker has taken; a workflow task waits on the run's own queue. */
function queueOf(seen: Seen, folding: Folding): { readonly queue?: string } {
  const pending = seen.pendingActivities.find(({ state }) => Number(state) === scheduledState);
  const queue = pending && folding.queues.get(pending.activityId ?? '');
  return queue === undefined || queue === '' ? {} : { queue };
}

/** PENDING_ACTIVITY_STATE_SCHEDULED of the server's protocol. */
const scheduledState = 1;

function frameOf(seen: Seen, folding: Folding, unattended: string | undefined): Frame {
  const { workflowId } = seen;
  const { outcome, park, result, startedAt, endedAt } = folding;
  const { gateway, birth, operation, kind } = readOperationId(workflowId);
  const steps = [...folding.steps.values()];
  return {
    workflowId,
    gateway,
    birth,
    operation,
    kind,
    title: titleOf(gateway, operation, kind),
    phase: outcome ? 'ended' : park ? 'parked' : folding.undoing ? 'undoing' : 'forward',
    steps: outcome && readsBackward(kind) ? steps.filter((step) => step.state !== 'waiting') : steps,
    ...(startedAt && { startedAt }),
    ...(endedAt && { endedAt }),
    ...(unattended && { unattendedSince: unattended }),
    ...(unattended && queueOf(seen, folding)),
    waitingFor: outcome ? '' : ([...folding.timers.values()].find((why) => why.startsWith('settle')) ?? ''),
    ...(park && { park }),
    ...(outcome && { outcome }),
    reason: folding.reason,
    ...(result?.record && { record: result.record }),
    ...(result?.proofs && { proofs: result.proofs }),
    left: result?.left ?? [],
    proofs: result?.proofs ?? [],
    commands: commandsFor(gateway, kind, outcome, park),
  };
}

/** A removal shows what it undoes, newest first, and leaves out steps that leave nothing behind. */
function shownSteps(input: z.infer<typeof operationInputForm> | undefined): readonly string[] {
  if (!input || !readsBackward(input.kind)) return input?.steps ?? [];
  return input.steps.filter((name) => registry[name]?.undo !== undefined).toReversed();
}

function change(folding: Folding, name: string, to: Partial<Step>): void {
  const step = folding.steps.get(name);
  if (step) Object.assign(step, to);
}

function sentenceOf(failure: Failure): string {
  if (failure?.timeoutFailureInfo) return 'no answer within its time: the worker died or the call hung';
  return failure?.message || failure?.applicationFailureInfo?.type || 'failed without a word';
}

function iso(time: Timestamp): string {
  const ms = Number(time?.seconds ?? 0) * 1000 + Math.round((time?.nanos ?? 0) / 1e6);
  return new Date(ms).toISOString();
}
