import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { names } from '../../../src/domain/gateway/gateway.js';
import { reconcileWorkflowId } from '../../../src/wire/ids.js';
import type { ReconcileInput, ReconcileResult } from '../../../src/wire/reconcile.js';
import { DirectoryPager } from '../../world/directory-pager.js';
import { Keyboard } from '../../ground/keyboard.js';
import { patienceMs } from '../../ground/patience.js';
import { taskQueue } from '../../../src/wire/ids.js';

describe.sequential('a reconciliation', { timeout: 240_000 }, () => {
  let keyboard: Keyboard;
  let runs = 0;
  beforeAll(async () => {
    keyboard = await Keyboard.open();
    await keyboard.ground.startWorker();
  });
  afterAll(() => keyboard.close());

  const engine = () => keyboard.ground.world.engine;
  const spec = ['--release', '2026.9.6', '--dev'];

  async function reconcile(): Promise<ReconcileResult> {
    const client = await keyboard.stage.client();
    runs += 1;
    return client.workflow.execute<(input: ReconcileInput) => Promise<ReconcileResult>>('reconcile', {
      workflowId: reconcileWorkflowId(`test-${runs}`),
      taskQueue,
      args: [{ dryRun: false }],
    });
  }

  const pages = () => new DirectoryPager(keyboard.ground.root).pages().filter(({ id }) => id.startsWith('reconcile/'));

  async function lifeOf(id: string) {
    const told = JSON.parse((await keyboard.creel(['describe', id, '--json', '--no-probe'])).stdout);
    return { ...told, container: names(told.life.mark).container };
  }

  it('started as a schedule starts it names what is not as recorded, pages once, and repairs where the spec says so', async () => {
    const made = [
      keyboard.creel(['provision', 'whole', ...spec]),
      keyboard.creel(['provision', 'stopped', ...spec]),
      keyboard.creel(['provision', 'mended', ...spec, '--repair', 'scheduled']),
    ];
    for (const { exitCode } of await Promise.all(made)) expect(exitCode).toBe(0);
    expect(await reconcile()).toMatchObject({ ready: 3, counts: { drifted: 0, news: 0, repairs: 0 } });
    for (const id of ['stopped', 'mended']) {
      const { container } = await lifeOf(id);
      const found = await engine().findContainer(container);
      if (id === 'stopped') await engine().stopContainer(found?.id ?? '', 1);
      else await engine().removeContainer(found?.id ?? '');
    }
    const planned = await keyboard.creel(['reconcile', '--dry-run']);
    expect(planned.exitCode).toBe(5);
    expect(planned.stdout).toMatch(/3 ready gateways looked at, 2 not as recorded, 0 asked for a repair/);
    expect((await lifeOf('mended')).phase).toBe('ready');
    expect((await keyboard.creel(['list', '--attention'])).stdout).not.toContain('not as recorded');

    const found = await reconcile();
    expect(found).toMatchObject({ ready: 3, counts: { drifted: 2, news: 2, repairs: 1 } });
    await vi.waitUntil(async () => (await lifeOf('mended')).last?.kind === 'repair', {
      timeout: patienceMs,
      interval: 200,
    });
    const mended = await lifeOf('mended');
    expect(mended).toMatchObject({ phase: 'ready', last: { kind: 'repair', outcome: 'done' } });
    expect((await engine().findContainer(mended.container))?.state).toBe('running');
    expect(await lifeOf('stopped')).toMatchObject({ phase: 'ready', last: { kind: 'provision' } });

    await vi.waitUntil(() => pages().length > 0, patienceMs);
    expect(pages()[0]?.text).toMatch(/stopped: container oc-stopped-\w+ does not run \(exited\)/);
    const listed = await keyboard.creel(['list', '--attention']);
    expect(listed.stdout).toMatch(/stopped: container .* does not run .*`creel provision stopped` repairs it/);
    expect(listed.stdout).not.toContain('whole');
    const asJson = (await keyboard.creel(['list', '--attention', '--json'])).stdout
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(asJson.find(({ gateway }) => gateway === 'stopped')).toMatchObject({
      phase: 'ready',
      drift: { drifts: [expect.stringContaining('does not run')], at: expect.stringMatching(/Z$/) },
    });
    expect(asJson.filter(({ gateway }) => gateway === 'whole')).toEqual([]);

    expect(await reconcile()).toMatchObject({ ready: 3, counts: { drifted: 1, news: 0, repairs: 0 } });
    expect((await keyboard.creel(['provision', 'stopped'])).exitCode).toBe(0);
    expect(await reconcile()).toMatchObject({ counts: { drifted: 0 } });
    expect((await keyboard.creel(['list', '--attention'])).stdout).not.toContain('stopped');
    expect(pages()).toHaveLength(1);
  });

  it('whose worker is killed while it looks, and while it asks, asks once', async () => {
    const { interferences } = keyboard.ground;
    const { container } = await lifeOf('mended');
    const found = await engine().findContainer(container);
    await engine().removeContainer(found?.id ?? '');
    const before = (await lifeOf('mended')).last?.operation;
    interferences.set('findUnlikeRecord', 'none', 'crash after');
    interferences.set('requestRepair', 'mended', 'crash after');
    const ended = reconcile();
    await vi.waitUntil(() => interferences.crashed('findUnlikeRecord', 'none'), patienceMs);
    await keyboard.ground.startWorker();
    await vi.waitUntil(() => interferences.crashed('requestRepair', 'mended'), patienceMs);
    await keyboard.ground.startWorker();
    expect(await ended).toMatchObject({ counts: { drifted: 1, repairs: 1 } });
    await vi.waitUntil(async () => (await lifeOf('mended')).last?.operation > before, {
      timeout: patienceMs,
      interval: 200,
    });
    const mended = await lifeOf('mended');
    expect(mended).toMatchObject({ phase: 'ready', queue: [] });
    expect(mended.running).toBeUndefined();
    expect(mended.last.operation).toBe(before + 1);
    expect((await engine().findContainer(container))?.state).toBe('running');
  });
});
