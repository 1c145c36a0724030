import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ask, proposedBirth, request } from '../../../src/client/gateways.js';
import { startDeployment } from '../../../src/client/deployment/hold-deployment.js';
import { lastDrifted, runReconcile } from '../../../src/client/net/reconcile.js';
import { replacementNames } from '../../../src/domain/changes/replacement.js';
import { names } from '../../../src/domain/gateway/gateway.js';
import { pollersOf } from '../../../src/client/pollers.js';
import { taskQueue } from '../../../src/wire/ids.js';
import { masterKey } from '../../../src/domain/keys/token.js';
import { openLog } from '../../../src/worker/log.js';
import { runWorker } from '../../../src/worker/run.js';
import { installRuntime } from '../../../src/worker/runtime.js';
import type { Description } from '../../../src/wire/description.js';
import { patienceMs } from '../../ground/patience.js';
import { TestServer } from '../../ground/server.js';
import { DirectoryEngine } from '../../world/directory-engine.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { accountOf, rootOf } from '../../world/machine-world.js';
import { DirectoryPager } from '../../world/directory-pager.js';
import { openTestWorld, testKeyHex, testSpec, type TestWorld } from '../../world/open-test-world.js';

const poll = { timeout: patienceMs, interval: 100 };
const region = 'eu-central-1';
const spec = { ...testSpec, memoryMb: 1_536, machine: { provider: 'lightsail', region } } as const;

describe.sequential('machines of gateways’ own that were started again', { timeout: 300_000 }, () => {
  const key = masterKey(testKeyHex);
  const ending = new AbortController();
  let server: TestServer;
  let client: Client;
  let world: TestWorld;
  let worker: Promise<void>;

  beforeAll(async () => {
    installRuntime(openLog('silent'), undefined);
    server = await TestServer.start();
    client = new Client({ connection: await Connection.connect({ address: server.address }) });
    await startDeployment(client, [key]);
    world = openTestWorld();
    worker = runWorker({
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
    const polled = async () => (await pollersOf(client, taskQueue, 'workflow')).length;
    await vi.waitUntil(async () => (await polled()) > 0, poll);
  });
  afterAll(async () => {
    ending.abort();
    await worker;
    await client.connection.close();
    await server.stop();
    world.close();
  });

  /** The record of a gateway when it has come to rest after this operation. */
  async function settled(
    id: string,
    after = 0,
  ): Promise<Description & { readonly life: NonNullable<Description['life']> }> {
    let last: Description | undefined;
    const rests = async () => {
      last = await ask(client, id).catch(() => undefined);
      if (!last) return false;
      return last.running === undefined && last.queue.length === 0 && (last.last?.operation ?? 0) > after;
    };
    await expect.poll(rests, poll).toBe(true);
    if (!last?.life) throw new Error(`${id} never rested`);
    return { ...last, life: last.life };
  }

  async function provision(id: string) {
    const place = { provider: 'local', host: 'local' } as const;
    const birth = proposedBirth(id, id);
    await request(client, id, { kind: 'provision', requestId: id, origin: 'test', spec, place, birth, how: 'new' });
    const told = await settled(id);
    expect(told).toMatchObject({ phase: 'ready', life: { place: { provider: 'lightsail', region } } });
    const { mark, place: stands } = told.life;
    return { mark, root: rootOf(world.root, stands), at: { mark, region } };
  }

  /** Why the last attempt at what its running operation does came to nothing; empty where none has. */
  async function lastFailureOf(id: string): Promise<string> {
    const { running } = await ask(client, id);
    if (!running) throw new Error(`nothing runs of ${id}: its machine was away for nobody`);
    const { raw } = await client.workflow.getHandle(running.workflowId).describe();
    return raw.pendingActivities?.map(({ lastFailure }) => lastFailure?.message ?? '').join('; ') ?? '';
  }

  const pages = (word: string) =>
    new DirectoryPager(world.root)
      .pages()
      .flatMap(({ title, text }) => (title.includes(word) ? [`${title}: ${text}`] : []));

  it('are proved again by themselves, one page for each, and no other gateway is asked', async () => {
    const one = await provision('one');
    const two = await provision('two');
    new DirectoryHost(one.root).reboot();
    new DirectoryEngine(one.root).forget('container', names(one.mark).container);
    const told = await settled('one', 1);
    expect(told).toMatchObject({ phase: 'ready', last: { operation: 2, kind: 'repair', outcome: 'done' } });
    await expect
      .poll(() => pages('was started again'), poll)
      .toEqual([
        expect.stringMatching(
          /^host oc-one-\w+ was started again: its engine began at .*Z\. 1 gateway proved usable again\. /,
        ),
      ]);
    expect(await settled('two')).toMatchObject({ last: { operation: 1 } });
    new DirectoryHost(two.root).reboot();
    expect(await settled('two', 1)).toMatchObject({ phase: 'ready', last: { kind: 'repair', outcome: 'done' } });
    await expect.poll(() => pages('was started again').length, poll).toBe(2);
  });

  it('one that stands still is named by a reconciliation, paged once, and as recorded again after its repair (K-1)', async () => {
    const three = await provision('three');
    accountOf(world.root).stopByHand(three.at);
    const first = await runReconcile(client, { dryRun: false });
    expect(first).toMatchObject({ unasked: [], counts: { drifted: 1, news: 1 } });
    expect(first.drifted[0]).toMatchObject({
      gateway: 'three',
      drifts: [expect.stringMatching(/^machine oc-three-\w+ does not run \(stopped\), and costs as before$/)],
    });
    expect((await runReconcile(client, { dryRun: false })).counts).toMatchObject({ drifted: 1, news: 0 });
    expect((await lastDrifted(client))?.drifted).toMatchObject([{ gateway: 'three' }]);
    expect(pages('not as recorded')).toHaveLength(1);
    const place = { provider: 'local', host: 'local' } as const;
    const again = {
      kind: 'provision',
      requestId: 'again',
      origin: 'test',
      spec,
      place,
      birth: three.mark.birth,
    } as const;
    await request(client, 'three', { ...again, how: 'new' });
    expect(await settled('three', 1)).toMatchObject({ phase: 'ready', last: { kind: 'repair', outcome: 'done' } });
    expect((await runReconcile(client, { dryRun: true })).counts).toMatchObject({ drifted: 0 });
  });

  it('a machine that loses its power in mid-upgrade and comes back ends with a gateway that is ready, whole', async () => {
    const four = await provision('four');
    const engine = new DirectoryEngine(four.root);
    const asked = { requestId: 'up', origin: 'test', release: '2026.9.7', dev: true, retryFailed: false } as const;
    await request(client, 'four', { kind: 'upgrade', ...asked });
    const { former } = replacementNames(four.mark);
    await expect
      .poll(async () => (await engine.findContainer(former)) !== undefined, { ...poll, interval: 5 })
      .toBe(true);
    accountOf(world.root).stopByHand(four.at);
    new DirectoryHost(four.root).reboot();
    await expect.poll(() => lastFailureOf('four'), poll).toMatch(/^(?:no engine|nobody) answers at /);
    accountOf(world.root).startByHand(four.at);
    const told = await settled('four', 1);
    expect(told).toMatchObject({ phase: 'ready', left: [] });
    expect((await engine.findContainer(names(four.mark).container))?.state).toBe('running');
    expect(await engine.findContainer(former)).toBeUndefined();
  });
});
