import path from 'node:path';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import { createActivities } from '../../src/activities/activities.js';
import { attemptInterceptor } from '../../src/worker/attempt-interceptor.js';
import { currentSignal } from '../../src/worker/current-signal.js';
import { gatewaysOn } from '../../src/worker/unserved.js';
import { temporalNow } from '../../src/worker/temporal-now.js';
import { gatewayRecords } from '../../src/worker/gateway-records.js';
import { openOperations } from '../../src/worker/open-operations.js';
import { engineQueue, waitsQueue } from '../../src/wire/ids.js';
import { findDeployment } from '../../src/client/deployment/hold-deployment.js';
import { firstEpoch } from '../../src/domain/recovery/epoch.js';
import { epochGuard } from '../../src/worker/epoch-guard.js';
import { attended } from '../../src/client/deployment/engines.js';
import { installRuntime } from '../../src/worker/runtime.js';
import { countStanding } from '../../src/worker/standing.js';
import type { World } from '../../src/world/world.js';
import { Interferences } from './interference.js';

/** What a worker of a test is opened with. */
export type Opening = { readonly root: string; readonly deployment: string; readonly log: Logger };

/** Its world, and the engines that it serves beside its own, as hosts over SSH are by any worker. */
type Opened = World & { readonly reaches?: readonly string[] };

/**
 * Where workflows run: in a thread of their own, as in production, or in the main one, which starts in two thirds of the processor
 * time. Hundreds of workers are started to be killed; those of the gateways that are real are as in production.
 */
type WorkflowThread = 'own thread' | 'main thread';

/**
 * The main of a test's worker, over whichever world: `node main.js ADDRESS QUEUE ROOT CACHE WORK DEPLOYMENT`. The same parts as
 * `runWorker`, with interference around the activities. It says `ready` once it polls.
 */
export async function runTestWorker(open: (opening: Opening) => Opened, thread: WorkflowThread): Promise<void> {
  const [address = '', taskQueue = '', root = '', cache = '300', work = '', deployment = ''] = process.argv.slice(2);
  const log = pino(
    { level: process.env['TEST_LOG'] ?? 'silent' },
    pino.destination({ dest: path.join(root, 'worker.log'), sync: true, mkdir: true }),
  );
  const metricsAt = process.env['TEST_METRICS'];
  installRuntime(log, metricsAt);
  const connection = await NativeConnection.connect({ address });
  const client = new Client({ connection });
  const asking = {
    findOpenOperations: openOperations(client),
    records: gatewayRecords(client),
    temporalNow: temporalNow(client),
    findEngines: () => attended(client, otherEngines()),
    gatewaysOn: (engine: string) => gatewaysOn(client, engine),
  };
  const world = open({ root, deployment, log });
  const about = { ...world.about, deployment };
  const epoch = (await findDeployment(client))?.deployment.epoch ?? firstEpoch;
  const deps = { ...world, about, epoch, signal: currentSignal, ...asking };
  const activities = new Interferences(root).around(createActivities(deps));
  const engineId = await deps.hosts.findNearest();
  const common = { connection, interceptors: { activity: [attemptInterceptor(log), epochGuard(deps)] }, ...pace };
  // One that only does activities does one at a time: while it holds one, frozen or not, another gets the next.
  const atOnce = { activities, maxConcurrentActivityTaskExecutions: work === 'activities' ? 1 : 60 };
  const waits = { activities, maxConcurrentActivityTaskExecutions: 2_000 };
  const workflows = {
    workflowBundle: { codePath: path.resolve('dist/workflow-bundle.js') },
    maxCachedWorkflows: Number(cache),
    maxConcurrentWorkflowTaskExecutions: 10,
    debugMode: thread === 'main thread',
    stickyQueueScheduleToStartTimeout: '500ms',
  } as const;
  const served = [engineId, ...(world.reaches ?? [])].map(engineQueue);
  const queues = [
    { taskQueue, ...(work !== 'activities' && workflows), ...(work !== 'workflows' && atOnce) },
    ...(work === 'workflows'
      ? []
      : [
          ...served.map((queue) => ({ taskQueue: queue, ...atOnce })),
          ...[...served, taskQueue].map((queue) => ({ taskQueue: waitsQueue(queue), ...waits })),
        ]),
  ];
  const workers = await Promise.all(queues.map((queue) => Worker.create({ ...common, ...queue })));
  process.once('SIGTERM', () => workers.forEach((worker) => worker.shutdown()));
  const running = Promise.all(workers.map((worker) => worker.run()));
  const over = new AbortController();
  const counting = metricsAt && countStanding({ client, paceMs: 500, log, signal: over.signal });
  process.stdout.write('ready\n');
  await running;
  over.abort();
  await counting;
  await connection.close();
}

const pace = { maxHeartbeatThrottleInterval: '200ms', shutdownGraceTime: '2 seconds' } as const;

/** The engines of the deployment that other workers of a test stand beside: `TEST_ENGINES`, ids with commas between. */
function otherEngines(): { engine: string; host: string }[] {
  const ids = (process.env['TEST_ENGINES'] ?? '').split(',').filter((id) => id !== '');
  return ids.map((engine) => ({ engine, host: `host-${engine}` }));
}
