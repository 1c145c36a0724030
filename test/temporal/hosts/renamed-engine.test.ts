import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { knownEngines, tellServed } from '../../../src/client/deployment/engines.js';
import { ask, proposedBirth, request, requestChange } from '../../../src/client/gateways.js';
import { startDeployment, type Deployment } from '../../../src/client/deployment/hold-deployment.js';
import { formerIds } from '../../../src/domain/hosts/deployment-engines.js';
import { names } from '../../../src/domain/gateway/gateway.js';
import type { GatewaySpec } from '../../../src/domain/gateway/spec.js';
import { masterKey } from '../../../src/domain/keys/token.js';
import { openLog } from '../../../src/worker/log.js';
import { runWorker } from '../../../src/worker/run.js';
import { installRuntime } from '../../../src/worker/runtime.js';
import { gatewayWorkflowId, taskQueue } from '../../../src/wire/ids.js';
import { continueAsNewSignal } from '../../../src/wire/messages.js';
import type { Description } from '../../../src/wire/description.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { openTestWorld, testKeyHex, testSpec, type TestWorld } from '../../world/open-test-world.js';

import { TestServer } from '../../ground/server.js';
import { patienceMs } from '../../ground/patience.js';

/** The id that the engine had: its data are the same, its id is another since it was installed anew. */
const former = 'engine-before';
const key = masterKey(testKeyHex);

let server: TestServer;
let client: Client;
let world: TestWorld;
let worker: Promise<void>;
const ending = new AbortController();

beforeAll(async () => {
  installRuntime(openLog('silent'), undefined);
  server = await TestServer.start();
  client = new Client({ connection: await Connection.connect({ address: server.address }) });
  await startDeployment(client, [key]);
  world = openTestWorld();
  worker = work(world, ending.signal);
  worker.catch(() => undefined); // Whoever waits for its end below hears of it.
});

afterAll(async () => {
  ending.abort();
  await worker;
  await client.connection.close();
  await server.stop();
  world.close();
});

/** The worker that a machine runs, over a directory world. */
function work({ root }: TestWorld, signal: AbortSignal): Promise<void> {
  return runWorker({
    server: { address: server.address },
    namespace: 'default',
    readKeys: () => [key],
    openWorld: ({ engines }: Deployment) => openTestWorld(root, root, (engine) => formerIds(engines, engine)).deps,
    workflowBundle: { codePath: path.resolve('dist/workflow-bundle.js') },
    slots: { activities: 20, waits: 20, workflowTasks: 10, cachedWorkflows: 50 },
    log: openLog('silent'),
    engineWatchMs: 500,
    signal,
  });
}

function creel(...args: string[]) {
  const env = { PATH: process.env['PATH'] ?? '', HOME: world.root, TEMPORAL_ADDRESS: server.address };
  return execa(process.execPath, ['bin/creel.mjs', ...args], { env, extendEnv: false, reject: false, stdin: 'ignore' });
}

/** The record of a gateway when it has come to rest. */
async function settled(id: string): Promise<Description> {
  let last: Description | undefined;
  const rests = async () => {
    last = await ask(client, id);
    return last.running === undefined && last.queue.length === 0 && last.phase !== 'queued';
  };
  await expect.poll(rests, { timeout: patienceMs, interval: 100 }).toBe(true);
  if (!last) throw new Error(`${id} never rested`);
  return last;
}

async function provision(id: string, spec: GatewaySpec): Promise<Description> {
  const birth = proposedBirth(id, id);
  const place = { provider: 'local', host: 'local' } as const;
  await request(client, id, { kind: 'provision', requestId: id, origin: 'test', spec, place, birth, how: 'new' });
  return settled(id);
}

/** The record as it is where the engine had its former id when the gateway was made. */
async function standOnFormer(id: string): Promise<void> {
  const handle = client.workflow.getHandle(gatewayWorkflowId(id));
  const { runId } = await handle.describe();
  await handle.signal(continueAsNewSignal);
  await expect.poll(async () => (await handle.describe()).runId, { timeout: patienceMs }).not.toBe(runId);
  const [started] = (await handle.fetchHistory()).events ?? [];
  const payload = started?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
  const whole: { state: { life: { gateway: { place: { engine: string } } } } } = JSON.parse(
    Buffer.from(payload ?? []).toString(),
  );
  whole.state.life.gateway.place.engine = former;
  await handle.terminate('as it was before');
  await client.workflow.start('gateway', { workflowId: gatewayWorkflowId(id), taskQueue, args: [whole] });
}

const leftOf = (id: string) => world.engine.leftovers().filter((each) => each.includes(` oc-${id}-`));

it('an engine that has another id is taken for the one it was, once it carries the mark of everybody there', async () => {
  await expect
    .poll(async () => (await knownEngines(client)).map(({ engine }) => engine), { timeout: patienceMs })
    .toEqual([engineIdAt(world.root)]);
  await tellServed(client, { engine: former, host: 'here' });
  const serving = await provision('g1', testSpec);
  await provision('g2', { ...testSpec, keepStateMs: 86_400_000 });
  await request(client, 'g2', { kind: 'remove', requestId: 'r2', origin: 'test', purge: false });
  expect(await settled('g2')).toMatchObject({ phase: 'removed', stateKeptUntil: expect.any(String) });
  const lost = await provision('g3', testSpec);
  for (const id of ['g1', 'g2', 'g3']) await standOnFormer(id);
  await expect
    .poll(async () => (await creel('engine', 'list')).stdout, { timeout: patienceMs })
    .toMatch(/engine-before {2}here {2}no worker beside it {2}2 gateways/);

  const rotate = { kind: 'rotate', requestId: 'r1', origin: 'test', evict: false, reclaim: false } as const;
  await requestChange(client, 'g1', rotate);
  await expect.poll(async () => (await ask(client, 'g1')).running?.kind, { timeout: patienceMs }).toBe('rotate');

  const now = engineIdAt(world.root);
  const mark = lost.life?.mark ?? { gateway: 'g3', birth: '' };
  const own = names(mark);
  for (const [kind, name] of [
    ['container', own.container],
    ['network', own.network],
    ['volume', own.volume],
  ] as const)
    world.engine.forget(kind, name);
  const refused = await creel('engine', 'renamed', former, now, '--yes', former);
  expect(refused.stderr).toMatch(
    /is not engine engine-before: of 3 gateways that stand there it carries no mark of g3/,
  );
  expect(refused.exitCode).toBe(3);
  expect((await knownEngines(client)).map(({ engine }) => engine).toSorted()).toEqual([former, now].toSorted());
  const typo = `engine-befor' OR GatewayHost = '${former}`;
  const unknown = await creel('engine', 'renamed', typo, now, '--yes', typo);
  expect(unknown.stderr).toContain(`engine ${typo} cannot be engine ${now} now. Those there are: `);
  expect(unknown.exitCode).toBe(3);
  const unserved = await creel('engine', 'renamed', now, former, '--yes', now);
  expect(unserved.stderr).toMatch(/no worker stands beside engine engine-before/);

  const living = await creel('remove', 'g3', '--gone', now, '--yes', 'g3');
  expect(living.stderr).toMatch(/a worker stands beside engine .*it is not gone/);
  const given = await creel('remove', 'g3', '--gone', former, '--yes', 'g3');
  expect(given.stdout).toMatch(/engine engine-before was given up/);
  expect(given.exitCode).toBe(0);
  const renamed = await creel('engine', 'renamed', former, now, '--yes', former);
  expect(renamed.stdout).toMatch(/it carries the marks of all 2 gateways/);
  expect((await creel('engine', 'renamed', former, now, '--yes', former)).exitCode).toBe(0);

  expect(await settled('g1')).toMatchObject({ phase: 'ready', last: { kind: 'rotate', outcome: 'done' } });
  expect(leftOf('g1')).toHaveLength(3);

  expect(await creel('change', 'g1', '--memory', '3 GB')).toMatchObject({ exitCode: 0 });
  expect(JSON.parse((await creel('hosts', 'list', '--json')).stdout)).toMatchObject({
    hosts: [{ engine: now, line: { gateways: 1, promised: { memoryMb: 3_072 } } }],
  });
  expect(JSON.parse((await creel('hosts', 'describe', now, '--json')).stdout)).toMatchObject({
    gateways: ['g1'],
    kept: ['g2'],
  });

  await request(client, 'g2', { kind: 'remove', requestId: 'p2', origin: 'test', purge: true });
  await expect.poll(async () => (await settled('g2')).stateKeptUntil, { timeout: patienceMs }).toBeUndefined();
  expect(leftOf('g2')).toEqual([]);
  expect((await creel('remove', 'g1')).exitCode).toBe(0);
  expect(leftOf('g1')).toEqual([]);
  expect(serving.life?.mark.birth).toBe((await ask(client, 'g1')).life?.mark.birth);

  const copy = openTestWorld();
  new DirectoryHost(copy.root).become({ engineId: former });
  await expect(work(copy, ending.signal)).rejects.toThrow(
    /engine-before is known as engine .* now: this one is a copy/,
  );
  copy.close();
}, 300_000);
