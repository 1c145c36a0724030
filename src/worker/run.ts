import { hostname } from 'node:os';
import { setTimeout as after } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import type { NativeConnection, NativeConnectionOptions, WorkflowBundleOption } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createActivities } from '../activities/activities.js';
import { knownEngines } from '../client/deployment/engines.js';
import { gatewaysOn } from './unserved.js';
import { holdDeployment, type Deployment } from '../client/deployment/hold-deployment.js';
import type { Slots } from '../settings/config.js';
import { countMs, engineWatchMs, machineWatchMs } from '../domain/thresholds.js';
import type { MasterKey } from '../domain/keys/token.js';
import { taskQueue } from '../wire/ids.js';
import type { World } from '../world/world.js';
import { currentSignal } from './current-signal.js';
import { epochGuard } from './epoch-guard.js';
import { temporalNow } from './temporal-now.js';
import { gatewayRecords } from './gateway-records.js';
import { openOperations } from './open-operations.js';
import { connectPatiently, isAway, untilReachable } from './patient-connect.js';
import { thisMachine } from './machine.js';
import { EngineRenamed, workQueues, type RemoteServed } from './queues.js';
import { watchMachines, type MachineWatchParts } from './machine-watch.js';
import { warnOfRetention } from './retention.js';
import { ensureSearchAttributes } from './search-attributes.js';
import { countStanding } from './standing.js';

/** What a worker is made of; the demo and the tests run the same one over another world. */
export type WorkerParts = {
  readonly server: NativeConnectionOptions & { readonly address: string };
  readonly namespace: string;
  /** The keys that are here now. */
  readonly readKeys: () => readonly MasterKey[];
  readonly openWorld: (deployment: Deployment) => World;
  readonly workflowBundle: WorkflowBundleOption;
  readonly slots: Slots;
  /** The hosts that it reaches over SSH; none when absent. */
  readonly remote?: readonly RemoteServed[];
  readonly log: Logger;
  /** Whether it serves metrics, and so counts how the deployment stands. */
  readonly metered?: boolean;
  /** How often it checks which engine it serves, and under which ids; the usual time when absent. */
  readonly engineWatchMs?: number;
  /** Ends the worker: it takes no new work, and cancels after a moment what is under way, to be taken up elsewhere. */
  readonly signal: AbortSignal;
};

/** The pause between a failed worker and the next one. */
const restartMs = 1_000;

/**
 * Works until `signal` fires. Waits for a server that is not up yet, and begins again when the connection was lost.
 * Throws `Refused` in a namespace without a deployment, or without one of its keys that are not retired.
 */
export async function runWorker(parts: WorkerParts): Promise<void> {
  const { server, log, signal } = parts;
  while (!signal.aborted) {
    const connection = await unlessAborted(signal, () => connectPatiently(server, log, signal));
    if (!connection) return;
    try {
      await unlessAborted(signal, () => work(parts, connection));
    } catch (error) {
      if (error instanceof EngineRenamed) log.info({ engine: error.engine }, error.message);
      else if (!isAway(error)) throw error;
      else log.error({ err: error }, 'the worker lost Temporal and begins again');
      await unlessAborted(signal, () => after(restartMs, undefined, { signal }));
    } finally {
      await connection.close();
    }
  }
}

const noRelease =
  'no release is on record, and the catalogue of this worker names none: nothing can be provisioned. `creel release add` adds one';

async function work(parts: WorkerParts, connection: NativeConnection): Promise<void> {
  const { namespace, log, signal, server } = parts;
  const client = new Client({ connection, namespace });
  const ask = <T>(call: () => Promise<T>) => untilReachable(call, server.address, log, signal);
  const deployment = await ask(() => holdDeployment(client, parts.readKeys()));
  await ask(() => ensureSearchAttributes(connection, namespace, log, signal, server.address));
  await ask(() => warnOfRetention(connection, { namespace, address: server.address }, log));
  const world = parts.openWorld(deployment);
  if (world.catalogue.length === 0 && (deployment.releases ?? []).length === 0) log.warn(noRelease);
  const activities = createActivities({
    ...world,
    signal: currentSignal,
    findOpenOperations: openOperations(client),
    records: gatewayRecords(client),
    temporalNow: temporalNow(client),
    findEngines: () => knownEngines(client),
    gatewaysOn: (engine) => gatewaysOn(client, engine),
  });
  const queues = {
    ...parts,
    client,
    connection,
    activities,
    guard: epochGuard(world),
    hosts: world.hosts,
    remote: parts.remote ?? [],
    engines: deployment.engines ?? [],
    engineWatchMs: parts.engineWatchMs ?? engineWatchMs,
    machine: await thisMachine(),
    host: hostname(),
  };
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const watching = watchBeside(parts, world, { ...queues, signal: until });
  try {
    await workQueues(queues, () => {
      log.info(
        { address: server.address, namespace, deployment: deployment.deployment, taskQueue },
        'the worker is ready',
      );
    });
  } finally {
    over.abort();
    world.close?.();
    await watching;
  }
  log.info('the worker has stopped');
}

type Beside = Omit<MachineWatchParts, 'paceMs'> & { readonly engineWatchMs: number };

/** What a worker does beside its queues: it looks at machines, and counts for its metrics. */
async function watchBeside({ metered }: WorkerParts, { machines }: World, beside: Beside): Promise<void> {
  const paceMs = Math.min(beside.engineWatchMs, machineWatchMs);
  await Promise.all([
    machines && watchMachines({ ...beside, paceMs }),
    metered && countStanding({ ...beside, paceMs: countMs }),
  ]);
}

/** The result of a call that the signal may cut short; undefined then. */
async function unlessAborted<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (signal.aborted && error instanceof Error && error.name === 'AbortError') return undefined;
    throw error;
  }
}
