import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, proposedBirth, request } from '../../../src/client/gateways.js';
import { startDeployment } from '../../../src/client/deployment/hold-deployment.js';
import { proveRestarted } from '../../../src/client/net/restarted.js';
import { names } from '../../../src/domain/gateway/gateway.js';
import { masterKey } from '../../../src/domain/keys/token.js';
import { openLog } from '../../../src/worker/log.js';
import { runWorker } from '../../../src/worker/run.js';
import { installRuntime } from '../../../src/worker/runtime.js';
import { restartWorkflowId } from '../../../src/wire/ids.js';
import type { Description } from '../../../src/wire/description.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { Keyboard } from '../../ground/keyboard.js';
import { patienceMs } from '../../ground/patience.js';
import { TestServer } from '../../ground/server.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { DirectoryPager } from '../../world/directory-pager.js';
import { openTestWorld, testKeyHex, testSpec, type TestWorld } from '../../world/open-test-world.js';

const ofRestarts = "WorkflowType = 'proveRestarted'";
const poll = { timeout: patienceMs, interval: 100 };

/** The record of a gateway when it has come to rest. */
async function settled(client: Client, id: string): Promise<Description> {
  let last: Description | undefined;
  const rests = async () => {
    last = await ask(client, id);
    return last.running === undefined && last.queue.length === 0 && last.phase !== 'queued';
  };
  await expect.poll(rests, poll).toBe(true);
  if (!last) throw new Error(`${id} never rested`);
  return last;
}

async function provision(client: Client, id: string): Promise<Description> {
  const birth = proposedBirth(id, id);
  const place = { provider: 'local', host: 'local' } as const;
  const asked = { kind: 'provision', requestId: id, origin: 'test', spec: testSpec, place, birth, how: 'new' } as const;
  await request(client, id, asked);
  return settled(client, id);
}

const pagesIn = (root: string) => new DirectoryPager(root).pages().filter(({ id }) => id.includes('/restart-'));

describe.sequential('the ready gateways of a host that was started again', { timeout: 300_000 }, () => {
  const key = masterKey(testKeyHex);
  let server: TestServer;
  let client: Client;
  let world: TestWorld;
  let host: DirectoryHost;
  let ending = new AbortController();
  let worker: Promise<void>;

  beforeAll(async () => {
    installRuntime(openLog('silent'), undefined);
    server = await TestServer.start();
    client = new Client({ connection: await Connection.connect({ address: server.address }) });
    await startDeployment(client, [key]);
    world = openTestWorld();
    host = new DirectoryHost(world.root);
    worker = work();
  });
  afterAll(async () => {
    ending.abort();
    await worker;
    await client.connection.close();
    await server.stop();
    world.close();
  });

  /** The worker that a machine runs, over a directory world. */
  function work(): Promise<void> {
    return runWorker({
      server: { address: server.address },
      namespace: 'default',
      readKeys: () => [key],
      openWorld: () => openTestWorld(world.root).deps,
      workflowBundle: { codePath: path.resolve('dist/workflow-bundle.js') },
      slots: { activities: 20, waits: 20, workflowTasks: 10, cachedWorkflows: 50 },
      log: openLog('silent'),
      engineWatchMs: 300,
      signal: ending.signal,
    });
  }

  const told = async (id: string) => {
    const { phase, last, record } = await settled(client, id);
    return { phase, kind: last?.kind, operation: last?.operation, provedAt: record?.provedAt ?? '' };
  };

  it('are proved again by themselves, and people hear of the host once', async () => {
    await provision(client, 'runs');
    const lost = await provision(client, 'lost');
    const empty = await provision(client, 'empty');
    if (!lost.life || !empty.life) throw new Error('nothing lives');
    host.reboot();
    world.engine.forget('container', names(lost.life.mark).container);
    world.engine.forget('container', names(empty.life.mark).container);
    world.engine.forget('volume', names(empty.life.mark).volume);
    const at = new Date().toISOString();

    await expect
      .poll(() => pagesIn(world.root).map(({ text }) => text), poll)
      .toEqual([
        expect.stringMatching(
          /^its engine began at .*Z\. 2 gateways proved usable again; 1 gateway not: empty: volume oc-empty-\w+-state is missing/,
        ),
      ]);
    for (const id of ['runs', 'lost']) {
      const found = await told(id);
      expect(found).toMatchObject({ phase: 'ready', kind: 'repair' });
      expect(found.provedAt > at).toBe(true);
    }
    expect(await told('empty')).toMatchObject({ phase: 'ready', kind: 'provision' });
    expect((await world.engine.findContainer(names(lost.life.mark).container))?.state).toBe('running');
  });

  it('are left alone by the next worker where they ran on while their engine began anew', async () => {
    const before = await told('runs');
    const runs = async () => (await client.workflow.count(ofRestarts)).count;
    const known = await runs();
    ending.abort();
    await worker;
    ending = new AbortController();
    worker = work();
    host.become({ upSince: new Date().toISOString() }); // Its engine began anew, and its containers went on.
    await expect.poll(runs, poll).toBe(known + 1);
    await expect
      .poll(async () => (await client.workflow.count(`${ofRestarts} AND ExecutionStatus = 'Running'`)).count, poll)
      .toBe(0);
    expect(await told('runs')).toEqual(before);
    await expect
      .poll(() => pagesIn(world.root).at(-1)?.text, poll)
      .toMatch(/\. 0 gateways proved usable again; 1 gateway not: empty:/);
  });

  it('are proved again though Temporal was away while their host was', async () => {
    const before = await told('runs');
    await server.kill();
    host.reboot();
    await server.start();
    await expect
      .poll(async () => (await ask(client, 'runs').catch(() => undefined))?.last?.operation, poll)
      .toBeGreaterThan(before.operation ?? 0);
    expect(await told('runs')).toMatchObject({ phase: 'ready', kind: 'repair' });
    await expect.poll(() => pagesIn(world.root).length, poll).toBe(3);
  });
});

it('what looks after a restart asks once of each gateway, though its worker is killed while it looks and while it asks', async () => {
  const keyboard = await Keyboard.open();
  const { ground, stage } = keyboard;
  try {
    await ground.startWorker();
    const client = await stage.client();
    for (const id of ['one', 'two']) expect((await provision(client, id)).phase).toBe('ready');
    const host = new DirectoryHost(ground.root);
    host.reboot();
    const engine = engineIdAt(ground.root);
    ground.interferences.set('findRestarted', 'none', 'crash after');
    ground.interferences.set('requestRepair', 'two', 'crash after');
    const { upSince = '' } = await host.readHost({ provider: 'local', host: 'local' });
    const asked = {
      layout: 1,
      engine,
      was: [],
      host: 'here',
      upSince,
      limits: { ...defaultLimits, heartbeatMs: 2_000 },
    } as const;
    await Promise.all([proveRestarted(client, asked), proveRestarted(client, asked)]);
    await expect.poll(() => ground.interferences.crashed('findRestarted', 'none'), poll).toBe(true);
    await ground.startWorker();
    await expect.poll(() => ground.interferences.crashed('requestRepair', 'two'), poll).toBe(true);
    await ground.startWorker();
    const result = await client.workflow.getHandle(restartWorkflowId(engine, upSince)).result();
    expect(result).toMatchObject({ host: 'here', proved: 2, unproved: 0, reasons: [] });
    for (const id of ['one', 'two'])
      expect(await settled(client, id)).toMatchObject({
        phase: 'ready',
        last: { operation: 2, kind: 'repair', outcome: 'done' },
      });
    await expect.poll(() => pagesIn(ground.root).length, poll).toBe(1);
    await proveRestarted(client, asked); // As the next worker would.
    await expect.poll(async () => (await client.workflow.count(ofRestarts)).count, poll).toBe(1);
  } finally {
    await keyboard.close();
  }
}, 300_000);
