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
import { knownEngines, tellServed } from '../client/deployment/engines.js';
import { findDeployment } from '../client/deployment/hold-deployment.js';
import type { Slots } from '../settings/config.js';
import { demandOwnName, demandPinned, formerIds, type DeploymentEngine } from '../domain/hosts/deployment-engines.js';
import { NotYet, Refused } from '../domain/errors.js';
import { pollFreshMs, unansweredMs } from '../domain/thresholds.js';
import { engineQueue, taskQueue, waitsQueue } from '../wire/ids.js';
import type { HostFacts } from '../ports/host-provider.js';
import type { World } from '../world/world.js';
import { attemptInterceptor } from './attempt-interceptor.js';
import { awaitClaim, demandClaim, type Claim, type Gone } from './engine-claim.js';
import { overSsh, type Machine } from './machine.js';
import { gatewaysOn, warnOfUnserved } from './unserved.js';
import { isAway } from './patient-connect.js';
import { FenceWatch } from './fence-watch.js';
import { RestartWatch } from './restart-watch.js';

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
  /** The hosts that are reached over SSH. */
  readonly remote: readonly RemoteServed[];
  /** The engines of the deployment when this began. */
  readonly engines: readonly DeploymentEngine[];
  readonly engineWatchMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

/** A host that is reached over SSH, and the id that its engine must have where the settings name one. */
export type RemoteServed = { readonly name: string; readonly engine?: string };

/** An engine that a worker serves: the host by which it is asked for, and who the worker is on its queue. */
type Seat = {
  readonly at: string;
  /** What the deployment is told of where it is. */
  readonly host: string;
  readonly machine: Machine;
  /** How often an engine that has not yet given its id is asked again. */
  readonly learnMs: number;
};

/** The engines that this process serves now, and from which seat. */
type Seated = QueueParts & { readonly seated: Map<string, Seat> };

/** How often the engine beside a worker is asked for its id. */
const learnMs = 2_000;

/** The same over SSH, and after what a person must mend there. */
const remoteLearnMs = 10_000;

/**
 * Works on the queue of the workflows, on the queue of the engine beside this process and of each that it reaches over
 * SSH, and on one for waits beside each, until `signal` fires. An engine that is down is served once it answers.
 * `Refused` when another machine claims the engine beside this process; what is wrong with another one is logged.
 */
export async function workQueues(parts: QueueParts, ready: () => void): Promise<void> {
  const ending = new AbortController();
  const end = () => ending.abort();
  parts.signal.addEventListener('abort', end, { once: true });
  const within: Seated = { ...parts, signal: ending.signal, seated: new Map() };
  const workers = await Promise.all([create(within, taskQueue, 'all'), create(within, waitsQueue(taskQueue), 'waits')]);
  const runs = [
    ...workers.map((worker) => worker.runUntil(aborted(ending.signal))),
    serveEngine(within, beside(within)),
  ];
  runs.push(...within.remote.map((remote) => serveRemote(within, remote)));
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

function beside({ host, machine }: QueueParts): Seat {
  return { at: 'local', host, machine, learnMs };
}

/** Serves the engine of a seat; when another engine answers in its place, serves that one. */
async function serveEngine(parts: Seated, seat: Seat, demand?: (engine: string) => Promise<void>): Promise<void> {
  const { log, signal } = parts;
  while (!signal.aborted) {
    const engine = await learnEngine(parts, seat);
    if (engine === undefined) return;
    await demand?.(engine);
    await serve(parts, seat, engine);
    if (!signal.aborted) log.error({ engine }, 'another engine answers at the socket now; serving that one');
  }
}

/** Serves the engine of a host over SSH. What a person must mend there is logged, and ends nothing else. */
async function serveRemote(parts: Seated, remote: RemoteServed): Promise<void> {
  const { client, log, signal } = parts;
  const seat: Seat = { at: remote.name, host: remote.name, machine: overSsh(remote.name), learnMs: remoteLearnMs };
  const demand = async (engine: string) =>
    demandPinned(remote, engine, (await findDeployment(client))?.deployment.engines ?? []);
  while (!signal.aborted) {
    try {
      await serveEngine(parts, seat, demand);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      log.error({ err: error, host: remote.name }, 'the engine of this host is not served');
    }
    await after(seat.learnMs, undefined, { signal }).catch(() => undefined); // Checked by the loop.
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
async function serve(parts: Seated, seat: Seat, engine: string): Promise<void> {
  const { client, log, signal } = parts;
  const { machine } = seat;
  if (parts.seated.has(engine)) throw twoSeats(engine, seat, parts.seated.get(engine));
  demandOwnName(parts.engines, engine);
  const over = new AbortController();
  const ids = [engine, ...formerIds(parts.engines, engine)];
  const claims = ids.map((id): Claim => ({ client, engine: id, machine, goneAfterMs: pollFreshMs, log, signal }));
  const either = AbortSignal.any([signal, over.signal]);
  const runs: Promise<void>[] = [];
  parts.seated.set(engine, seat);
  try {
    const gone = new Map<Claim, Gone>();
    for (const claim of claims) gone.set(claim, await awaitClaim(claim));
    const workers = await Promise.all(ids.flatMap((id) => createFor({ ...parts, machine }, id)));
    runs.push(...workers.map((worker) => worker.runUntil(aborted(either))));
    log.info({ engine, queue: engineQueue(engine), former: ids.slice(1) }, 'the worker serves its engine');
    const watching = watchEngine({ ...parts, signal: either }, seat, engine, gone).finally(() => over.abort());
    await Promise.all([...runs, watching, announce({ ...parts, signal: either }, seat, engine)]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    over.abort();
    await Promise.allSettled(runs);
    parts.seated.delete(engine);
  }
}

function twoSeats(engine: string, { host }: Seat, other: Seat | undefined): Refused {
  return new Refused(
    `two machines claim engine ${engine}: ${host} and ${other?.host}, which this worker serves already. If they are one machine, name it once; disks that were cloned share the id of their engine: give one an id of its own; see docs/runbook.md#two-machines-one-engine`,
  );
}

/** Tells the deployment of this engine until it has heard, and reports what stands on engines that nobody serves. */
async function announce({ client, remote, log, signal }: QueueParts, seat: Seat, engine: string): Promise<void> {
  const { host } = seat;
  const findEngines = async () =>
    (await knownEngines(client)).filter((each) => !remote.some(({ name }) => name === each.host)); // Soon served here.
  while (!signal.aborted) {
    try {
      await client.withDeadline(Date.now() + unansweredMs, () => tellServed(client, { engine, host }));
      if (seat.at !== 'local') return;
      const look = { findEngines, gatewaysOn: (on: string) => gatewaysOn(client, on) };
      return await warnOfUnserved({ engine, ...look, lingerMs: pollFreshMs, log, signal });
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error, engine }, 'the deployment has not heard yet that this engine is served; telling it again');
    }
    await after(unansweredMs, undefined, { signal }).catch(() => undefined); // Checked by the loop.
  }
}

/** Resolves when another engine answers at the socket, or the signal fires. Tells of each start of the engine. */
async function watchEngine(
  parts: QueueParts,
  seat: Seat,
  engine: string,
  claims: ReadonlyMap<Claim, Gone>,
): Promise<void> {
  const { client, signal, log } = parts;
  const was = formerIds(parts.engines, engine);
  const restarts = new RestartWatch({ client, engine, was, host: seat.host, log });
  const place = { provider: 'local', host: seat.at, engine } as const;
  const fence = new FenceWatch({ place, activities: parts.activities, log });
  try {
    await Promise.all([...claims].map(([claim, gone]) => demandClaim({ ...claim, signal }, gone)));
    for (;;) {
      const now = await readSeat(parts, seat).catch(() => undefined); // A silent engine is not another one.
      if (now !== undefined && now.engineId !== engine) return;
      if (now) await restarts.see(now);
      if (now) fence.see();
      await demandSameIds(parts, engine);
      await after(parts.engineWatchMs, undefined, { signal });
    }
  } catch (error) {
    if (signal.aborted) return;
    if (!isAway(error)) throw error;
    log.warn({ err: error }, 'Temporal did not say who else serves this engine');
  } finally {
    await fence.over();
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

/** The id of the engine of a seat, once it gives it; undefined when the signal fires first. */
async function learnEngine(parts: QueueParts, seat: Seat): Promise<string | undefined> {
  const { signal, log } = parts;
  for (let said = ''; !signal.aborted;) {
    try {
      return (await readSeat(parts, seat)).engineId;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message !== said)
        log[error instanceof NotYet ? 'warn' : 'error'](
          { err: error, host: seat.host },
          seat.at === 'local' ? 'the engine beside this worker is not served yet' : 'a host over SSH is not served yet',
        );
      said = message;
    }
    await after(seat.learnMs, undefined, { signal }).catch(() => undefined); // Checked by the loop.
  }
  return undefined;
}

function readSeat({ hosts }: QueueParts, { at }: Seat): Promise<HostFacts> {
  return hosts.readHost({ provider: 'local', host: at });
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
