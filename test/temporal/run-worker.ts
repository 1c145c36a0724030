import path from 'node:path';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import { createActivities } from '../../src/activities/activities.js';
import { attemptInterceptor } from '../../src/worker/attempt-interceptor.js';
import { currentSignal } from '../../src/worker/current-signal.js';
import { gatewayRecords } from '../../src/worker/gateway-records.js';
import { openOperations } from '../../src/worker/open-operations.js';
import { installRuntime } from '../../src/worker/runtime.js';
import type { World } from '../../src/world.js';
import { Interferences } from './interference.js';

/** What a worker of a test is opened with. */
export type Opening = { readonly root: string; readonly deployment: string; readonly log: Logger };

/**
 * The main of a test's worker, over whichever world: `node main.js ADDRESS QUEUE ROOT CACHE WORK DEPLOYMENT`. The same parts as
 * `runWorker`, with interference around the activities. It says `ready` once it polls.
 */
export async function runTestWorker(open: (opening: Opening) => World): Promise<void> {
  const [address = '', taskQueue = '', root = '', cache = '300', work = '', deployment = ''] = process.argv.slice(2);
  const log = pino(
    { level: process.env['TEST_LOG'] ?? 'silent' },
    pino.destination({ dest: path.join(root, 'worker.log'), sync: true, mkdir: true }),
  );
  installRuntime(log, undefined);
  const connection = await NativeConnection.connect({ address });
  const client = new Client({ connection });
  const asking = { findOpenOperations: openOperations(client), records: gatewayRecords(client) };
  const deps = { ...open({ root, deployment, log }), signal: currentSignal, ...asking };
  const worker = await Worker.create({
    connection,
    taskQueue,
    ...(work !== 'activities' && { workflowBundle: { codePath: path.resolve('dist/workflow-bundle.js') } }),
    ...(work !== 'workflows' && { activities: new Interferences(root).around(createActivities(deps)) }),
    interceptors: { activity: [attemptInterceptor(log)] },
    maxCachedWorkflows: Number(cache),
    maxConcurrentWorkflowTaskExecutions: 10,
    // One that only does activities does one at a time: while it holds one, frozen or not, another gets the next.
    maxConcurrentActivityTaskExecutions: work === 'activities' ? 1 : 60,
    stickyQueueScheduleToStartTimeout: '500ms',
    maxHeartbeatThrottleInterval: '200ms',
    shutdownGraceTime: '2 seconds',
  });
  process.once('SIGTERM', () => worker.shutdown());
  const running = worker.run();
  process.stdout.write('ready\n');
  await running;
  await connection.close();
}
