import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Accepted } from '../workflows/requests.js';
import { isNotFound, unwrap } from './failure.js';
import { queuedFrame, type Frame } from './frame.js';
import { ask } from './gateways.js';
import { progress, type Seen } from './progress.js';

/** How often a run is looked at. */
const paceMs = 300;

/** How often a gateway is asked about an operation that has not begun. */
const queuePaceMs = 1_000;

/** An accepted operation begins within a fraction of a second, unless it must wait: nobody is asked before. */
const startMs = 1_000;
const startPaceMs = 50;

/**
 * Follows an operation from its place in the queue to its end; the last frame is `ended`. A frame is given whenever
 * something changed and at least once. Needs no live worker and survives a server that goes away for a while.
 */
export async function* watch(client: Client, accepted: Omit<Accepted, 'state'>): AsyncGenerator<Frame> {
  let last = '';
  for await (const frame of frames(client, accepted)) {
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
  return seen && progress(seen);
}

async function* frames(client: Client, accepted: Omit<Accepted, 'state'>): AsyncGenerator<Frame> {
  const handle = client.workflow.getHandle(accepted.workflowId);
  const soon = Date.now() + startMs;
  let missing = 0;
  let seen: Seen | undefined;
  for (;;) {
    seen = await patiently(() => see(handle, seen));
    if (seen) {
      yield progress(seen);
      continue;
    }
    if (Date.now() < soon) {
      await sleep(startPaceMs);
      continue;
    }
    const queued = await whereInQueue(client, accepted);
    missing = queued === undefined ? missing + 1 : 0;
    // Twice in a row: between leaving the queue and its start an operation is nowhere.
    yield missing >= 2 ? gone(accepted) : queuedFrame(accepted, { waitingFor: queued ?? 'its turn' });
  }
}

function gone(accepted: Omit<Accepted, 'state'>): Frame {
  return queuedFrame(accepted, {
    outcome: 'withdrawn',
    reason: 'it never began: the gateway was removed, or it was withdrawn',
  });
}

/** What the operation waits for; undefined when its gateway knows nothing of it any more. */
async function whereInQueue(client: Client, accepted: Omit<Accepted, 'state'>): Promise<string | undefined> {
  try {
    const { queue, running } = await ask(client, accepted.gateway);
    if (running?.operation === accepted.operation) return 'its start';
    const place = queue.findIndex((each) => each.operation === accepted.operation);
    if (place < 0) return undefined;
    const before = running ? `operation ${running.operation} (${running.kind})` : 'the operation before it';
    return place === 0 ? `the end of ${before}` : `${place + 1} operations before it`;
  } catch {
    return 'an answer from its gateway: no worker answers'; // Whatever it is, the next look asks again.
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
