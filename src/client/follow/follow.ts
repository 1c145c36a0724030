import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Accepted } from '../../wire/requests.js';
import type { OperationOutcome } from '../../wire/operation.js';
import { isNotFound, unwrap } from '../failure.js';
import { queuedFrame, type Frame } from './frame.js';
import { ask } from '../gateways.js';
import { taskQueue } from '../../wire/ids.js';
import { pollersOf } from '../pollers.js';
import { progress, type Seen } from './progress.js';
import { turnOf, type Turn } from './turn.js';

/** How often a run is looked at. */
const paceMs = 300;

/** How often a gateway is asked about an operation that has not begun yet. */
const queuePaceMs = 1_000;

/** Unless it has to wait, an operation begins within a fraction of a second; its gateway is asked only after this. */
const startMs = 1_000;
const startPaceMs = 50;

/** An accepted operation, with its state as the gateway gave it, if it was asked. */
type Followed = Omit<Accepted, 'state'> & { readonly state?: Accepted['state'] };

/**
 * Follows an operation from its place in the queue to its end; the last frame is `ended`. Gives a frame at least once
 * and whenever something changed. Needs no live worker, and survives a server that goes away for a while.
 */
export async function* framesOf(client: Client, accepted: Followed): AsyncGenerator<Frame> {
  let last = '';
  for await (const frame of everyFrame(client, accepted)) {
    const text = JSON.stringify(frame);
    if (text !== last) yield frame;
    last = text;
    if (frame.phase === 'ended') return;
    await sleep(frame.phase === 'queued' ? queuePaceMs : paceMs);
  }
}

/** The frame of an operation right now; undefined when its run does not exist (yet). */
export async function lookOnce(client: Client, workflowId: string): Promise<Frame | undefined> {
  const seen = await see(client.workflow.getHandle(workflowId), undefined);
  return seen && attended(client, progress(seen));
}

async function* everyFrame(client: Client, accepted: Followed): AsyncGenerator<Frame> {
  const handle = client.workflow.getHandle(accepted.workflowId);
  const soon = Date.now() + startMs;
  let missing = 0;
  let seen: Seen | undefined;
  for (;;) {
    seen = await patiently(() => see(handle, seen));
    if (seen) {
      yield await attended(client, progress(seen));
      continue;
    }
    if (isEnded(accepted.state)) {
      yield queuedFrame(accepted, { outcome: accepted.state, reason: forgotten(accepted.state) });
      continue;
    }
    if (Date.now() < soon) {
      await sleep(startPaceMs);
      continue;
    }
    const found = await look(client, accepted);
    missing = found === undefined ? missing + 1 : 0;
    // Twice in a row: between leaving the queue and its start, an operation is nowhere to be seen.
    yield missing >= 2 ? gone(accepted) : queuedFrame(accepted, found ?? { waitingFor: 'its turn' });
  }
}

function isEnded(state: Accepted['state'] | undefined): state is OperationOutcome {
  return state !== undefined && state !== 'queued' && state !== 'running';
}

/** Why the reason is missing: a server forgets an ended run sooner than its gateway forgets the outcome. */
function forgotten(outcome: OperationOutcome): string {
  return outcome === 'done'
    ? ''
    : 'its gateway remembers that it ended so; why, was in a run that the server keeps no more';
}

/** When work has waited this long for a worker, the server is asked who polls. */
const unattendedMs = 3_000;

/** A frame that says whether anybody polls for the work that waits: a slow worker is not a missing one. */
async function attended(client: Client, frame: Frame): Promise<Frame> {
  const since = frame.unattendedSince;
  if (since === undefined || Date.now() - Date.parse(since) < unattendedMs) return frame;
  try {
    const kind = frame.queue === undefined ? 'workflow' : 'activity';
    const pollers = await pollersOf(client, frame.queue ?? taskQueue, kind);
    return pollers.length === 0 ? { ...frame, unpolled: true } : frame;
  } catch {
    return frame; // Not known for now; the next look asks again.
  }
}

function gone(accepted: Followed): Frame {
  return queuedFrame(accepted, {
    outcome: 'withdrawn',
    reason: 'it never began: the gateway was removed, or it was withdrawn',
  });
}

/**
 * What the operation waits for, or how it ended, as its gateway reports; undefined when the gateway no longer knows it.
 */
async function look(client: Client, { gateway, operation }: Followed): Promise<Turn | undefined> {
  try {
    return turnOf(await ask(client, gateway), operation);
  } catch {
    return { waitingFor: 'an answer from its gateway: no worker answers' }; // The next look asks again.
  }
}

/** One look at a run. Its history is read again only when it grew. */
async function see(handle: WorkflowHandle, before: Seen | undefined): Promise<Seen | undefined> {
  try {
    const { raw, historyLength } = await handle.describe();
    const events =
      before?.events.length === historyLength ? before.events : ((await handle.fetchHistory()).events ?? []);
    return {
      workflowId: handle.workflowId,
      events,
      pendingActivities: raw.pendingActivities ?? [],
      pendingTask: raw.pendingWorkflowTask,
    };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** How long a server may be away before following it is given up. */
const patienceMs = 60_000;

async function patiently<T>(look: () => Promise<T>): Promise<T> {
  const began = Date.now();
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() - began > patienceMs) throw unwrap(error);
      await sleep(queuePaceMs);
    }
  }
}
