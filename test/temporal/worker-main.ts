import path from 'node:path';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { createActivities } from '../../src/activities/activities.js';
import { attemptInterceptor } from '../../src/worker/attempt-interceptor.js';
import { currentSignal } from '../../src/worker/current-signal.js';
import { installRuntime } from '../../src/worker/runtime.js';
import { openTestWorld } from '../world/open-test-world.js';
import { Interferences } from './interference.js';
import { openOperations } from '../../src/worker/open-operations.js';

/** A worker over a directory world: `node worker-main.js ADDRESS QUEUE ROOT CACHE WORK`. It says `ready` once it polls. */
const [address = '', taskQueue = '', root = '', cache = '300', work = 'everything'] = process.argv.slice(2);
const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
installRuntime(log, undefined);
const connection = await NativeConnection.connect({ address });
const world = openTestWorld(root);
const deps = { ...world.deps, signal: currentSignal, findOpenOperations: openOperations(new Client({ connection })) };
const worker = await Worker.create({
  connection,
  taskQueue,
  ...(work !== 'activities' && { workflowBundle: { codePath: path.resolve('dist/workflow-bundle.js') } }),
  ...(work !== 'workflows' && { activities: new Interferences(root).around(createActivities(deps)) }),
  interceptors: { activity: [attemptInterceptor(log)] },
  maxCachedWorkflows: Number(cache),
  stickyQueueScheduleToStartTimeout: '500ms',
  maxHeartbeatThrottleInterval: '200ms',
  shutdownGraceTime: '2 seconds',
});
process.once('SIGTERM', () => worker.shutdown());
const running = worker.run();
process.stdout.write('ready\n');
await running;
await connection.close();
