import { performance } from 'node:perf_hooks';
import type { Client } from '@temporalio/client';
import type { Activities } from '../src/activities/activities.js';
import type { Gateway } from '../src/domain/gateway/gateway.js';
import type { GatewayRecord } from '../src/domain/gateway/reading.js';
import { createKey, nextKeyFile, openKey } from '../src/settings/key-file.js';
import { acceptRequest } from '../src/workflows/entity/accept.js';
import { carry } from '../src/workflows/record/carried-state.js';
import type { FleetInput, FleetResult } from '../src/wire/fleet.js';
import { emptyState, placeOn } from '../src/workflows/record/state.js';
import { fleetWorkflowId, gatewayWorkflowId } from '../src/wire/ids.js';
import { defaultLimits } from '../src/wire/limits.js';
import { beginOperation, endOperation } from '../src/workflows/entity/begin-end.js';
import type { CarriedStart } from '../src/workflows/record/start.js';
import { provisionSteps } from '../src/workflows/provision/operation.js';
import { registry } from '../src/workflows/operations.js';
import { DirectoryGround } from '../test/ground/directory-ground.js';
import { DirectoryStage } from '../test/ground/directory-stage.js';
import { largestEvent } from '../test/ground/history-cost.js';
import { TestServer } from '../test/ground/server.js';
import { testKeyHex, testSpec } from '../test/world/open-test-world.js';
import { layKey } from '../test/world/test-keys.js';
import { MemoryWatch } from './memory-watch.js';
import type { Result } from './result.js';

const spec = { ...testSpec, rotation: 'scheduled' } as const;
const plan = { window: 20, maxFailed: 0.01, beginWithinMs: 30 * 60_000 };

/** The most that one payload may be; a server warns from there on. */
const payloadBytes = 256 * 1024;

type Run = { readonly seconds: number; readonly rssMb: number; readonly largestBytes: number; readonly runs: number };

/**
 * A fleet of the directory world, real records on a real dev server: rotated in one run, then taken to another master key in one
 * run. Its gateways are made by the activities themselves, and their records begin ready: what is measured is the runs.
 */
export async function wholeFleet(count = 2_000): Promise<Result> {
  process.env['TEST_POOL'] ??= '10.212.0.0/14';
  const server = await TestServer.start();
  const ground = new DirectoryGround(server);
  const stage = new DirectoryStage(ground);
  try {
    const client = await stage.client();
    const seeding = performance.now();
    for (let index = 0; index < count; index += 1) await seed(ground, client, `g${index}`);
    const seedSeconds = (performance.now() - seeding) / 1000;
    process.stderr.write(`${count} gateways made in ${Math.round(seedSeconds)} s\n`);
    const worker = await ground.startWorker();
    const pid = worker.pid ?? 0;
    const rotated = await measure(ground, client, pid, count, { run: 'rotate' });
    const keyFile = layKey(ground.root, testKeyHex);
    createKey(nextKeyFile(keyFile));
    const keyId = openKey(nextKeyFile(keyFile)).id;
    const rekeyed = await measure(ground, client, pid, count, { run: 'rekey', keyId, rekey: true });
    return report(count, rotated, rekeyed);
  } finally {
    await stage.close();
    await ground.close();
    await server.stop();
  }
}

/** A gateway that is ready, by the activities of its provision and a record that says so. */
async function seed(ground: DirectoryGround, client: Client, id: string): Promise<void> {
  const gateway: Gateway = { ...ground.world.gateway(id), spec };
  const activities: Activities = ground.world.activities;
  let record: unknown;
  for (const step of provisionSteps.filter((each) => each !== 'check host')) {
    // It makes nothing, and looks at all the others.
    const name = registry[step]?.do as keyof Activities;
    record = await (activities[name] as (told: Gateway) => Promise<unknown>)(gateway);
  }
  const state = emptyState(1, Date.now());
  const { birth, deployment } = gateway.mark;
  const told = { spec, place: gateway.place, birth, how: 'new' } as const;
  const asked = { kind: 'provision', requestId: id, origin: 'bench', ...told } as const;
  acceptRequest(state, asked, deployment, id, Date.now());
  const running = beginOperation(state, Date.now());
  if (!running) throw new Error('nothing began');
  placeOn(state, { operation: running.number, engine: gateway.place.engine ?? '' });
  const entered = provisionSteps.map((step) => ({ step, unsettledUntil: 0 }));
  const found = { record: record as GatewayRecord, entered, skipped: [], left: [], tokenGeneration: 1 };
  endOperation(state, running, { outcome: 'done', reason: '', ...found }, Date.now());
  const start: CarriedStart = { layout: 1, deployment, gateway: id, limits: defaultLimits, state: carry(state) };
  const workflowId = gatewayWorkflowId(id);
  await client.workflow.start('gateway', { workflowId, taskQueue: ground.queue, args: [start] });
}

async function measure(
  ground: DirectoryGround,
  client: Client,
  pid: number,
  count: number,
  asked: Pick<FleetInput, 'run' | 'keyId' | 'rekey'>,
): Promise<Run> {
  const watch = new MemoryWatch(pid);
  const began = performance.now();
  const input: FleetInput = { layout: 1, origin: 'bench', plan, limits: defaultLimits, ...asked };
  const workflowId = fleetWorkflowId(asked.run);
  const handle = await client.workflow.start('rotateFleet', { workflowId, taskQueue: ground.queue, args: [input] });
  const result: FleetResult = await handle.result();
  const seconds = (performance.now() - began) / 1000;
  const { runs, bytes } = await largestEvent(client, workflowId);
  if (result.counts?.done !== count) throw new Error(`not every gateway was done: ${JSON.stringify(result.counts)}`);
  if (bytes > payloadBytes) throw new Error(`a payload of ${asked.run} is ${bytes} bytes`);
  process.stderr.write(`${asked.run}: ${Math.round(seconds)} s, ${runs} runs, largest event ${bytes} bytes\n`);
  return { seconds, rssMb: watch.stop(), largestBytes: bytes, runs };
}

function report(count: number, rotated: Run, rekeyed: Run): Result {
  const row = (name: string, { seconds, rssMb, largestBytes, runs }: Run) => [
    name,
    Math.round(seconds),
    Math.round((count / seconds) * 10) / 10,
    rssMb,
    largestBytes,
    runs,
  ];
  return {
    title: `${count} gateways in one run each, window ${plan.window}, one worker, one dev server (payloads: aim <= ${payloadBytes})`,
    head: ['run', 's', 'gateways / s', 'worker MB', 'largest event, bytes', 'continued as new'],
    rows: [row('rotate --all', rotated), row('key rotate', rekeyed)],
    figures: { gateways: count, rotated, rekeyed },
  };
}
