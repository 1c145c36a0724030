import { setTimeout as after } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import {
  Worker,
  type ActivityInterceptorsFactory,
  type NativeConnection,
  type WorkerOptions,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import type { createActivities } from '../activities/activities.js';
import { knownEngines, tellServed } from '../client/engines.js';
import { findDeployment } from '../client/hold-deployment.js';
import type { Slots } from '../settings/config.js';
import { demandOwnName, formerIds, type DeploymentEngine } from '../domain/hosts/deployment-engines.js';
import { NotYet } from '../domain/errors.js';
import { pollFreshMs, unansweredMs } from '../domain/thresholds.js';
import { engineQueue, taskQueue, waitsQueue } from '../wire/ids.js';
import type { World } from '../world/world.js';
import { attemptInterceptor } from './attempt-interceptor.js';
import { awaitClaim, demandClaim, type Claim, type Gone } from './engine-claim.js';
import type { Machine } from './machine.js';
import { gatewaysOn, warnOfUnserved } from './unserved.js';
import { isAway } from './patient-connect.js';

export type QueueParts = {
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly activities: ReturnType<typeof createActivities>;
  readonly guard: ActivityInterceptorsFactory;
  readonly hosts: World['hosts'];
  readonly workflowBundle: NonNullable<WorkerOptions['workflowBundle']>;
  readonly slots: Slots;
  readonly machine: Machine;
  readonly host: string;
  /** The engines of the deployment when this began. */
  readonly engines: readonly DeploymentEngine[];
  readonly engineWatchMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

/** How often an engine that has not yet given its id is asked again. */
const learnMs = 2_000;

/**
 * Works on the queue of the workflows, on the queue of the engine beside this process, and on one for waits beside
 * each, until `signal` fires. An engine that is down is served once it answers. `Refused` when another machine claims
 * the same engine.
 */
export async function workQueues(parts: QueueParts, ready: () => void): Promise<void> {
  const ending = new AbortController();
  const end = () => ending.abort();
  parts.signal.addEventListener('abort', end, { once: true });
  const within: QueueParts = { ...parts, signal: ending.signal };
  const workers = await Promise.all([create(within, taskQueue, 'all'), create(within, waitsQueue(taskQueue), 'waits')]);
  const runs = [...workers.map((worker) => worker.runUntil(aborted(ending.signal))), serveEngine(within)];
  ready();
  try {
    await Promise.all(runs.map((run) => run.catch(failing(end))));
  } finally {
    end();
    parts.signal.removeEventListener('abort', end);
    await Promise.allSettled(runs);
  }
}

/** An error of one ends all. */
function failing(end: () => void): (error: unknown) => never {
  return (error) => {
    end();
    throw error;
  };
}

/** Serves the engine beside this process; when another engine answers in its place, serves that one. */
async function serveEngine(parts: QueueParts): Promise<void> {
  const { log, signal } = parts;
  while (!signal.aborted) {
    const engine = await learnEngine(parts);
    if (engine === undefined) return;
    await serve(parts, engine);
    if (!signal.aborted) log.error({ engine }, 'another engine answers at the socket now; serving that one');
  }
}

/**
 * The deployment knows another former id of this worker's engine than at the start. The worker begins again, to serve
 * that id, too.
 */
export class EngineRenamed extends Error {
  readonly engine: string;

  constructor(engine: string) {
    super('the engine is known under another former id now; the worker begins again');
    this.engine = engine;
  }
}

/**
 * Works for an engine, on the queues of its id and of its former ids, by which records still name it and on which
 * running operations wait.
 */
async function serve(parts: QueueParts, engine: string): Promise<void> {
  const { client, machine, log, signal } = parts;
  demandOwnName(parts.engines, engine);
  const over = new AbortController();
  const ids = [engine, ...formerIds(parts.engines, engine)];
  const claims = ids.map((id): Claim => ({ client, engine: id, machine, goneAfterMs: pollFreshMs, log, signal }));
  const either = AbortSignal.any([signal, over.signal]);
  const runs: Promise<void>[] = [];
  try {
    const gone = new Map<Claim, Gone>();
    for (const claim of claims) gone.set(claim, await awaitClaim(claim));
    const workers = await Promise.all(ids.flatMap((id) => createFor(parts, id)));
    runs.push(...workers.map((worker) => worker.runUntil(aborted(either))));
    log.info({ engine, queue: engineQueue(engine), former: ids.slice(1) }, 'the worker serves its engine');
    const watching = watchEngine({ ...parts, signal: either }, engine, gone).finally(() => over.abort());
    await Promise.all([...runs, watching, announce({ ...parts, signal: either }, engine)]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    over.abort();
    await Promise.allSettled(runs);
  }
}

/** Tells the deployment of this engine until it has heard, and reports what stands on engines that nobody serves. */
async function announce({ client, host, log, signal }: QueueParts, engine: string): Promise<void> {
  while (!signal.aborted) {
    try {
      await client.withDeadline(Date.now() + unansweredMs, () => tellServed(client, { engine, host }));
      const look = { findEngines: () => knownEngines(client), gatewaysOn: (on: string) => gatewaysOn(client, on) };
      return await warnOfUnserved({ engine, ...look, lingerMs: pollFreshMs, log, signal });
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error, engine }, 'the deployment has not heard yet that this engine is served; telling it again');
    }
    await after(unansweredMs, undefined, { signal }).catch(() => undefined); // Checked by the loop.
  }
}

/** Resolves when another engine answers at the socket, or the signal fires. */
async function watchEngine(parts: QueueParts, engine: string, claims: ReadonlyMap<Claim, Gone>): Promise<void> {
  const { signal, log } = parts;
  try {
    await Promise.all([...claims].map(([claim, gone]) => demandClaim({ ...claim, signal }, gone)));
    for (;;) {
      await after(parts.engineWatchMs, undefined, { signal });
      const now = await readEngine(parts).catch(() => undefined); // A silent engine is not another one.
      if (now !== undefined && now !== engine) return;
      await demandSameIds(parts, engine);
    }
  } catch (error) {
    if (signal.aborted) return;
    if (!isAway(error)) throw error;
    log.warn({ err: error }, 'Temporal did not say who else serves this engine');
  }
}

/**
 * `EngineRenamed` when the deployment knows another former id of the engine than at the start. Silent while the server
 * is away.
 */
async function demandSameIds({ client, engines }: QueueParts, engine: string): Promise<void> {
  const found = await findDeployment(client).catch(() => undefined);
  if (!found) return;
  const [before, now] = [engines, found.deployment.engines].map((known) => formerIds(known, engine).join(' '));
  if (before !== now) throw new EngineRenamed(engine);
}

/** The id of the engine beside this process, once it gives it; undefined when the signal fires first. */
async function learnEngine(parts: QueueParts): Promise<string | undefined> {
  const { signal, log } = parts;
  for (let said = ''; !signal.aborted;) {
    try {
      return await readEngine(parts);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message !== said)
        log[error instanceof NotYet ? 'warn' : 'error'](
          { err: error },
          'the engine beside this worker is not served yet',
        );
      said = message;
    }
    await after(learnMs, undefined, { signal }).catch(() => undefined); // Checked by the loop.
  }
  return undefined;
}

async function readEngine({ hosts }: QueueParts): Promise<string> {
  return (await hosts.readHost({ provider: 'local', host: 'local' })).engineId;
}

/** The workers for an engine of this id: for its work, and for what waits there. */
function createFor(parts: QueueParts, id: string): Promise<Worker>[] {
  const queue = engineQueue(id);
  return [create(parts, queue, 'work'), create(parts, waitsQueue(queue), 'waits')];
}

/** A worker on one queue: `all`, workflows and whatever belongs to no engine; `work`, on an engine; or `waits`. */
function create(parts: QueueParts, queue: string, does: 'all' | 'work' | 'waits'): Promise<Worker> {
  const { connection, namespace, activities, guard, slots, workflowBundle, log, machine } = parts;
  const atOnce = does === 'waits' ? slots.waits : slots.activities;
  return Worker.create({
    ...(does === 'all' && workflowLimits(slots)),
    ...(does === 'all' && { workflowBundle }),
    connection,
    namespace,
    taskQueue: queue,
    activities,
    maxConcurrentActivityTaskExecutions: atOnce,
    maxConcurrentActivityTaskPolls: Math.min(does === 'waits' ? 5 : 10, atOnce),
    maxConcurrentLocalActivityExecutions: 1,
    maxHeartbeatThrottleInterval: '1 second',
    defaultHeartbeatThrottleInterval: '10 seconds',
    shutdownGraceTime: '5 seconds',
    shutdownForceTime: '20 seconds',
    interceptors: { activity: [attemptInterceptor(log), guard] },
    identity: machine.identity,
  });
}

/**
 * How much a worker decides at once, and how soon its death is noticed, which the sticky time-out decides together with
 * the heartbeats.
 */
function workflowLimits(slots: Slots) {
  return {
    maxConcurrentWorkflowTaskExecutions: slots.workflowTasks,
    maxConcurrentWorkflowTaskPolls: Math.max(2, Math.floor(slots.workflowTasks / 4)),
    maxCachedWorkflows: slots.cachedWorkflows,
    stickyQueueScheduleToStartTimeout: '1 second',
  } as const;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
