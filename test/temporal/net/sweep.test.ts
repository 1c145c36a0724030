import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { markLabels, names } from '../../../src/domain/gateway/gateway.js';
import { replacementNames } from '../../../src/domain/changes/replacement.js';
import { gatewayWorkflowId, sweepWorkflowId } from '../../../src/wire/ids.js';
import type { SweepInput, SweepResult } from '../../../src/wire/sweep.js';
import { DirectoryPager } from '../../world/directory-pager.js';
import { testDeployment } from '../../world/open-test-world.js';
import { atLength } from '../../ground/at-length.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import { Keyboard } from '../../ground/keyboard.js';
import { patienceMs } from '../../ground/patience.js';
import { shortLimits } from '../../ground/stage.js';
import { TestServer } from '../../ground/server.js';

const long = atLength(it);

let sweeps = 0;

/** A world with a server of its own, its worker, and sweeps over it as a schedule begins them. */
class Swept {
  readonly ground: DirectoryGround;
  readonly #stages: DirectoryStage[] = [];

  private constructor(ground: DirectoryGround) {
    this.ground = ground;
  }

  static async play(run: (swept: Swept) => Promise<void>): Promise<void> {
    const swept = new Swept(new DirectoryGround(await TestServer.start()));
    try {
      await swept.ground.startWorker();
      await run(swept);
    } finally {
      await Promise.all(swept.#stages.map((stage) => stage.close()));
      await swept.ground.close();
      await swept.ground.server.stop();
    }
  }

  get engine() {
    return this.ground.world.engine;
  }

  /** A gateway that nobody has asked for yet. */
  stage(): DirectoryStage {
    const stage = new DirectoryStage(this.ground);
    this.#stages.push(stage);
    return stage;
  }

  async ready(): Promise<DirectoryStage & { readonly birth?: string }> {
    const stage = this.stage();
    const { birth } = await stage.provision();
    await stage.settled();
    return Object.assign(stage, { birth });
  }

  /** A gateway that was removed, and a volume and a network of it that landed after its removal. */
  async orphaned(): Promise<{ readonly stage: DirectoryStage; readonly things: string[] }> {
    const stage = this.stage();
    const { birth } = await stage.provision();
    await stage.settled();
    await stage.remove();
    await stage.settled();
    expect(stage.leftovers()).toEqual([]);
    const mark = { deployment: this.ground.deployment, gateway: stage.id, birth, layout: 1 };
    const own = names(mark);
    await this.engine.createVolume({ name: own.volume, labels: markLabels(mark) });
    for (let third = 0; ; third += 1) {
      const network = { name: own.network, labels: markLabels(mark), subnet: `10.77.${third}.0/28` };
      if ((await this.engine.createNetwork(network)) === 'created') break;
    }
    return { stage, things: [`network ${own.network}`, `volume ${own.volume}`] };
  }

  async start(input: Partial<SweepInput> = {}): Promise<() => Promise<SweepResult>> {
    const client = await (this.#stages[0] ?? this.stage()).client();
    sweeps += 1;
    const handle = await client.workflow.start<(input: SweepInput) => Promise<SweepResult>>('sweep', {
      workflowId: sweepWorkflowId(`test-${sweeps}`),
      taskQueue: this.ground.queue,
      args: [{ dryRun: false, limits: shortLimits, ...input }],
    });
    return () => handle.result();
  }

  async sweep(input: Partial<SweepInput> = {}): Promise<SweepResult> {
    return (await this.start(input))();
  }

  /** What people were told by sweeps. */
  pages(): string[] {
    return new DirectoryPager(this.ground.root)
      .pages()
      .flatMap(({ id, title }) => (id.startsWith('sweep/') ? [title] : []));
  }
}

describe.concurrent('a sweep', { timeout: 240_000 }, () => {
  it('started as a schedule starts it takes what a removed gateway left and nothing of those that live', () =>
    Swept.play(async (swept) => {
      const lives = await swept.ready();
      const { things } = await swept.orphaned();
      const before = swept.engine.leftovers();
      const client = await lives.client();
      const planned = await swept.sweep({ dryRun: true });
      expect(planned).toMatchObject({ outcome: 'done', counts: { remove: 2, report: 0 } });
      expect(swept.engine.leftovers()).toEqual(before);
      const taskQueue = swept.ground.queue;
      const args: [SweepInput] = [{ dryRun: false }];
      await client.workflow.execute('sweep', { workflowId: sweepWorkflowId('plain'), taskQueue, args });
      expect(swept.engine.leftovers()).toEqual(before.filter((each) => !things.includes(each)));
      expect(await swept.sweep()).toMatchObject({ outcome: 'done', counts: { remove: 0, report: 0 } });
      expect(swept.pages()).toEqual([]);
    }));

  it('in an empty namespace, or where a record was terminated by hand, reports and pages once, and takes nothing', () =>
    Swept.play(async (swept) => {
      const lost = await swept.ready();
      const other = await swept.ready();
      const client = await lost.client();
      await client.workflow.getHandle(gatewayWorkflowId(lost.id)).terminate('by hand');
      const before = swept.engine.leftovers();
      const found = await swept.sweep();
      expect(found).toMatchObject({ outcome: 'done', counts: { remove: 0, stop: 0, report: 3, news: 3 } });
      expect(found.reported.map(({ gateway }) => gateway)).toEqual(Array(3).fill(lost.id));
      expect(await swept.sweep()).toMatchObject({ counts: { report: 3, news: 0 } });
      const empty = new DirectoryGround(await TestServer.start());
      try {
        // The same engine, and a server that has never heard of any of it.
        const stage = new DirectoryStage(empty);
        Object.assign(empty, { root: swept.ground.root });
        await empty.startWorker();
        const handle = await (
          await stage.client()
        ).workflow.start<(input: SweepInput) => Promise<SweepResult>>('sweep', {
          workflowId: sweepWorkflowId('empty'),
          taskQueue: empty.queue,
          args: [{ dryRun: false, limits: shortLimits }],
        });
        expect(await handle.result()).toMatchObject({ counts: { remove: 0, stop: 0, report: 6, news: 6 } });
        await vi.waitUntil(() => swept.pages().length > 1, patienceMs);
        await stage.close();
      } finally {
        await empty.close();
        await empty.server.stop();
      }
      expect(swept.engine.leftovers()).toEqual(before);
      expect(swept.pages()).toEqual(Array(2).fill('a sweep found what nobody owns'));
      expect((await other.describe()).phase).toBe('ready');
    }));

  it('of one of two deployments on an engine leaves the other’s alone, also what that one has given up', () =>
    Swept.play(async (swept) => {
      const { stage, things } = await swept.orphaned();
      const server = await TestServer.start();
      const other = new DirectoryGround(server);
      Object.assign(other, { root: swept.ground.root, deployment: 'otherdeploy' });
      const theirs = new DirectoryStage(other);
      try {
        await other.startWorker();
        await theirs.provision();
        expect((await theirs.settled()).phase).toBe('ready');
        const result = await swept.sweep();
        expect(result).toMatchObject({ counts: { remove: 2 }, foreign: { otherdeploy: 3 } });
        expect(stage.leftovers()).toEqual([]);
        expect(things).toHaveLength(2);
        expect(swept.engine.leftovers().filter((each) => each.includes(theirs.id))).toHaveLength(3);
        expect((await theirs.describe()).phase).toBe('ready');
      } finally {
        await theirs.close();
        await other.close();
        await server.stop();
      }
    }));

  it('while gateways are provisioned, changed and removed, its worker killed in between, takes only what was given up', () =>
    Swept.play(async (swept) => {
      const { stage: orphan } = await swept.orphaned();
      const held = swept.stage();
      held.interfere('probeReadiness', 'hold before');
      const { birth } = await held.provision();
      await held.held('probeReadiness');
      const upgrading = await swept.ready();
      upgrading.interfere('ensureReplacement', 'hold before');
      const asked = { requestId: 'up', origin: 'test' } as const;
      await upgrading.request({ kind: 'upgrade', release: '2026.9.7', dev: true, retryFailed: false, ...asked });
      await upgrading.held('ensureReplacement');
      const aside = upgrading.leftovers();
      expect(aside).toContain(
        `container ${replacementNames({ gateway: upgrading.id, birth: upgrading.birth ?? '' }).former}`,
      );
      const others = Array.from({ length: 4 }, () => swept.stage());
      await Promise.all(others.map((each) => each.provision()));
      swept.ground.interferences.set('ensureSwept', orphan.id, 'crash after');
      const end = await swept.start({ page: 1 });
      await vi.waitUntil(() => swept.ground.interferences.crashed('ensureSwept', orphan.id), patienceMs);
      await swept.ground.startWorker();
      const ended = await end();
      expect(ended).toMatchObject({ outcome: 'done', counts: { remove: 2, report: 0 } });
      expect(ended.removed.filter(({ stays }) => stays !== undefined)).toEqual([]);
      expect(orphan.leftovers()).toEqual([]);
      expect(upgrading.leftovers()).toEqual(aside);
      held.letGo('probeReadiness');
      upgrading.letGo('ensureReplacement');
      expect((await held.settled()).phase).toBe('ready');
      expect(held.leftovers()).toEqual(held.expected(birth));
      expect(await upgrading.settled()).toMatchObject({ phase: 'ready', life: { spec: { release: '2026.9.7' } } });
      for (const each of others) expect((await each.settled()).phase).toBe('ready');
      expect(await swept.sweep()).toMatchObject({ outcome: 'done', counts: { remove: 0, report: 0 } });
    }));

  long('looks page by page in as many runs as it takes, and carries on where it was', () =>
    Swept.play(async (swept) => {
      const stages = await Promise.all(Array.from({ length: 5 }, () => swept.ready()));
      const { stage } = await swept.orphaned();
      const result = await swept.sweep({ page: 1, limits: { ...shortLimits, entityEvents: 12 } });
      expect(result).toMatchObject({ outcome: 'done', counts: { remove: 2 } });
      expect(result.engines[0]).toMatchObject({ things: 17, lives: 6 });
      expect(stage.leftovers()).toEqual([]);
      for (const each of stages) expect(each.leftovers()).toHaveLength(3);
    }),
  );
});

describe.sequential('at the keyboard', { timeout: 240_000 }, () => {
  let keyboard: Keyboard;
  beforeAll(async () => {
    keyboard = await Keyboard.open();
    await keyboard.ground.startWorker();
  });
  afterAll(() => keyboard.close());

  it('a sweep shows its plan, halts at too much, and goes on by the word of who has read it', async () => {
    const { engine } = keyboard.ground.world;
    const made = await keyboard.creel(['provision', 'gone', '--release', '2026.9.6', '--dev', '--keep-state', '0']);
    expect(made.exitCode).toBe(0);
    const { birth } = JSON.parse((await keyboard.creel(['describe', 'gone', '--json'])).stdout).life.mark;
    await keyboard.creel(['remove', 'gone']);
    const mark = { deployment: testDeployment, gateway: 'gone', birth, layout: 1 };
    const { savedStates, trial } = replacementNames(mark);
    for (const name of [names(mark).volume, savedStates.a, savedStates.b, trial])
      await engine.createVolume({ name, labels: markLabels(mark) });
    const plan = await keyboard.creel(['sweep', '--dry-run']);
    expect(plan.stdout).toMatch(
      /4 would be removed\n(?: .*\n)* {2}volume oc-gone-\w+-state on engine .*by its own record/,
    );
    expect(plan.stdout).toMatch(/a sweep would halt .*`creel sweep --may-go 4` carries it out/);
    const halted = await keyboard.creel(['sweep']);
    expect(halted.exitCode).toBe(5);
    expect(engine.leftovers()).toHaveLength(4);
    const done = await keyboard.creel(['sweep', '--may-go', '4', '--json']);
    expect(JSON.parse(done.stdout)).toMatchObject({ outcome: 'done', counts: { remove: 4 } });
    expect(engine.leftovers()).toEqual([]);
    expect((await keyboard.creel(['sweep', '--may-go', 'all'])).exitCode).toBe(2);
  });

  it('what is condemned is given back by its id, with its state and its token, and is owned again', async () => {
    const { engine } = keyboard.ground.world;
    await keyboard.creel(['provision', 'found', '--release', '2026.9.6', '--dev']);
    const before = engine.leftovers();
    const client = await keyboard.stage.client();
    expect((await keyboard.creel(['recover', 'found'])).stderr).toContain('nothing of found is condemned');
    await client.workflow.getHandle(gatewayWorkflowId('found')).terminate('by hand');
    const recovered = await keyboard.creel(['recover', 'found']);
    expect(recovered.exitCode).toBe(0);
    expect(engine.leftovers()).toEqual(before);
    const told = JSON.parse((await keyboard.creel(['describe', 'found', '--json'])).stdout);
    expect(told).toMatchObject({ phase: 'ready', life: { tokenGeneration: 1 }, usable: { ok: true } });
    const { reported } = JSON.parse((await keyboard.creel(['sweep', '--dry-run', '--json'])).stdout);
    expect(reported).toEqual([]);
    for (const wrong of [['recover'], ['recover', 'found', '--from', 'creel.jsonl']])
      expect((await keyboard.creel(wrong)).exitCode).toBe(2);
    await keyboard.creel(['remove', 'found', '--purge', '--yes=found']);
  });

  it('what is condemned is listed, and purged when its id is typed; the next sweep finds nothing', async () => {
    const { engine } = keyboard.ground.world;
    await keyboard.creel(['provision', 'lost', '--release', '2026.9.6', '--dev']);
    await keyboard.creel(['provision', 'kept', '--release', '2026.9.6', '--dev']);
    const client = await keyboard.stage.client();
    await client.workflow.getHandle(gatewayWorkflowId('lost')).terminate('by hand');
    const listed = await keyboard.creel(['list', '--condemned']);
    expect(listed.stdout).toMatch(
      /volume oc-lost-(\w+)-state on engine .* \(state\).*terminated, which proves nothing/,
    );
    expect(listed.stdout).toMatch(/`creel purge lost --birth \w+` lets it go/);
    expect(listed.stdout).not.toContain('oc-kept');
    expect((await keyboard.creel(['purge', 'lost'])).exitCode).toBe(2);
    expect((await keyboard.creel(['purge', 'kept', '--yes=kept'])).stderr).toContain('nothing of kept is condemned');
    const purged = await keyboard.creel(['purge', 'lost', '--yes=lost']);
    expect(purged.exitCode).toBe(0);
    expect(engine.leftovers().filter((each) => each.includes('oc-lost'))).toEqual([]);
    expect(engine.leftovers().filter((each) => each.includes('oc-kept'))).toHaveLength(3);
    expect((await keyboard.creel(['list', '--condemned'])).stdout).toMatch(/nothing is condemned/);
  });
});
