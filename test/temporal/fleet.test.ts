import { describe, expect, it, vi } from 'vitest';
import type { Client } from '@temporalio/client';
import { endFleet, listRuns } from '../../src/client/fleet.js';
import type { FleetPlan } from '../../src/domain/fleet/fleet.js';
import { nextTurns } from '../../src/domain/fleet/order.js';
import {
  fleetStatusQuery,
  fleetOrderUpdate,
  type FleetEndKind,
  type FleetInput,
  type FleetResult,
  type FleetStatus,
  type FleetOrder,
} from '../../src/wire/fleet.js';
import { fleetWorkflowId, gatewayWorkflowId } from '../../src/wire/ids.js';
import { continueAsNewSignal } from '../../src/wire/messages.js';
import type { Description } from '../../src/wire/description.js';
import { DirectoryPager } from '../world/directory-pager.js';
import { testSpec } from '../world/open-test-world.js';

import { atLength } from '../ground/at-length.js';
import { DirectoryGround } from '../ground/directory-ground.js';
import { DirectoryStage } from '../ground/directory-stage.js';
import type { Limits } from '../../src/wire/limits.js';
import { largestEvent } from '../ground/history-cost.js';
import { shortLimits } from '../ground/stage.js';
import { TestServer } from '../ground/server.js';
import { patienceMs } from '../ground/patience.js';

const long = atLength(it);

const scheduled = { ...testSpec, rotation: 'scheduled' } as const;
const usual: FleetPlan = { window: 5, maxFailed: 0.5, beginWithinMs: 60_000 };

/** A server with one worker and the gateways of one fleet: all there are. */
class Fleet {
  readonly ground: DirectoryGround;
  readonly #first: DirectoryStage;
  readonly gateways: DirectoryStage[] = [];
  #run = 'test-run';

  private constructor(ground: DirectoryGround) {
    this.ground = ground;
    this.#first = new DirectoryStage(ground);
  }

  static async play(size: number, run: (fleet: Fleet) => Promise<void>): Promise<void> {
    const ground = new DirectoryGround(await TestServer.start());
    const fleet = new Fleet(ground);
    try {
      await ground.startWorker();
      for (let left = size; left > 0; left -= 6)
        await Promise.all(Array.from({ length: Math.min(left, 6) }, () => fleet.add()));
      await run(fleet);
    } finally {
      await fleet.#first.close();
      await ground.close();
      await ground.server.stop();
    }
  }

  get client(): Promise<Client> {
    return this.#first.client();
  }

  async add(spec: Parameters<DirectoryStage['provision']>[0] = { spec: scheduled }): Promise<DirectoryStage> {
    const stage = new DirectoryStage(this.ground, { heartbeatMs: 2_500 }); // thirty at once, and a busy machine
    stage.use(await this.client);
    this.gateways.push(stage);
    await stage.provision(spec);
    await stage.settled(120_000);
    return stage;
  }

  async start(plan: Partial<FleetPlan> = {}, limits: Partial<Limits> = {}, run = 'test-run'): Promise<void> {
    this.#run = run;
    const input: FleetInput = {
      layout: 1,
      run,
      origin: 'test',
      plan: { ...usual, ...plan },
      limits: { ...shortLimits, ...limits },
    };
    await (
      await this.client
    ).workflow.start('rotateFleet', {
      workflowId: fleetWorkflowId(this.#run),
      taskQueue: this.ground.queue,
      args: [input],
    });
  }

  async handle() {
    return (await this.client).workflow.getHandle(fleetWorkflowId(this.#run));
  }

  async tell(word: FleetOrder['word']): Promise<FleetStatus> {
    await (await this.handle()).executeUpdate(fleetOrderUpdate, { args: [{ word, origin: 'test' }] });
    return this.status();
  }

  async status(): Promise<FleetStatus> {
    return (await this.handle()).query(fleetStatusQuery);
  }

  async until(holds: (status: FleetStatus) => boolean): Promise<FleetStatus> {
    for (const deadline = Date.now() + patienceMs; ;) {
      const status = await this.status();
      if (holds(status)) return status;
      if (Date.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The order in which it is their turn, while the first one is open. */
  async order(): Promise<DirectoryStage[]> {
    const { open } = await this.status();
    const ids = this.gateways.map(({ id }) => id).filter((id) => !open.includes(id));
    const { ids: others } = nextTurns({ run: this.#run, after: '', limit: ids.length }, ids);
    return [...open, ...others].flatMap((id) => this.gateways.filter((each) => each.id === id));
  }

  /** The end of the run, whatever it is. */
  async result(): Promise<FleetResult> {
    try {
      return await (await this.handle()).result();
    } catch (error) {
      const cause = (error as { cause?: { details?: FleetResult[] } }).cause;
      if (!cause?.details?.[0]) throw error;
      return cause.details[0];
    }
  }
}

/** What each gateway came to, all of them, each once. */
function endsOf(fleet: Fleet, result: FleetResult): Map<string, FleetEndKind> {
  const named = result.ends.map(({ gateway }) => gateway);
  expect(named.toSorted()).toEqual(fleet.gateways.map(({ id }) => id).toSorted());
  return new Map(result.ends.map(({ gateway, end }) => [gateway, end]));
}

/** Whether nobody is left whose turn is still to come. */
function isNearlyOver({ waiting, ahead }: FleetStatus): boolean {
  return waiting.length + (ahead ?? 0) === 0;
}

/** Whether the gateway lets exactly the generation on record in. */
async function serves(stage: DirectoryStage, { life }: Description): Promise<boolean> {
  if (!life) return false;
  const { deps } = stage.ground.world;
  const token = deps.keys.token(life);
  const container = `oc-${stage.id}-${life.mark.birth}`;
  return (await deps.door.callInside({ place: life.place, container, token }, [])).kind === 'open';
}

describe('a rotation of the fleet', () => {
  it('of 20, one parked, one removed meanwhile, one behind an upgrade, the worker killed twice: names every one', () =>
    Fleet.play(15, async (fleet) => {
      const manual = await fleet.add({ spec: testSpec });
      const parked = await fleet.add({ spec: { ...scheduled, parkMs: 3_600_000 } });
      parked.interfere('ensureOperator', 'fail');
      await parked.provision({ spec: { ...scheduled, parkMs: 3_600_000 } });
      await parked.until(({ phase }) => phase === 'parked');
      const held = await fleet.add();
      held.interfere('ensureReplacement', 'hold before');
      const asked = { requestId: 'up', origin: 'test', place: { provider: 'local', host: 'local' } } as const;
      await held.request({ kind: 'upgrade', release: '2026.9.7', dev: true, retryFailed: false, ...asked });
      await held.held('ensureReplacement');
      await Promise.all([fleet.add(), fleet.add()]);
      expect(fleet.gateways).toHaveLength(20);

      for (const stage of fleet.gateways) if (stage !== held) stage.interfere('ensureToken', 'hold before');
      await fleet.start({ maxFailed: 0.2 });
      const canary = (await fleet.until(({ open }) => open.length === 1)).open[0];
      fleet.gateways.find(({ id }) => id === canary)?.letGo('ensureToken');
      await fleet.until(({ open }) => open.length === 5);
      const others = fleet.gateways.filter((each) => ![manual, parked, held].includes(each) && each.id !== canary);
      const [removed, reborn] = others.slice(-2);
      if (!removed || !reborn) throw new Error('too few');
      await Promise.all([removed.remove(), reborn.remove()]);
      for (const stage of [removed, reborn]) stage.letGo('ensureToken');
      await reborn.settled();
      const { birth } = await reborn.provision({ spec: scheduled });
      await reborn.settled();
      await fleet.ground.killWorkers();
      for (const stage of fleet.gateways) stage.letGo('ensureToken');
      await fleet.ground.startWorker();
      await fleet.until(({ ends }) => ends.filter(({ end }) => end === 'done').length >= 6);
      await fleet.ground.killWorkers();
      await fleet.ground.startWorker();
      await fleet.until((status) => isNearlyOver(status) && status.open.length <= 1);
      held.letGo('ensureReplacement');

      const result = await fleet.result();
      expect(result).toMatchObject({ outcome: 'done' });
      const ends = endsOf(fleet, result);
      expect(canary).toBeDefined();
      const odd = new Map([
        [manual, 'left out'],
        [parked, 'parked'],
        [removed, 'gone'],
        [reborn, 'gone'],
      ]);
      for (const stage of fleet.gateways)
        expect({ id: stage.id, end: ends.get(stage.id) }).toEqual({ id: stage.id, end: odd.get(stage) ?? 'done' });
      expect(removed.leftovers()).toEqual([]);
      expect(await removed.describe()).toMatchObject({ phase: 'removed' });
      expect(await reborn.describe()).toMatchObject({ phase: 'ready', life: { mark: { birth }, tokenGeneration: 1 } });
      for (const stage of fleet.gateways.filter((each) => ends.get(each.id) === 'done')) {
        const told = await stage.settled();
        expect(told).toMatchObject({ phase: 'ready', life: { tokenGeneration: 2 }, handOver: { generation: 2 } });
        expect(await serves(stage, told)).toBe(true);
      }
      expect(await held.describe()).toMatchObject({ life: { spec: { release: '2026.9.7' } } });
      expect((await manual.describe()).life?.tokenGeneration).toBe(1);
      expect(await parked.describe()).toMatchObject({ phase: 'parked', queue: [] });
    }));

  it('is paused, resumed, carried on as new and aborted, and takes back what has not begun', () =>
    Fleet.play(5, async (fleet) => {
      const queued = await fleet.add();
      queued.interfere('findGateway', 'hold before');
      await queued.provision({ spec: scheduled });
      await queued.held('findGateway');
      for (const stage of fleet.gateways) stage.interfere('ensureToken', 'hold before');
      await fleet.start({ window: 2, maxFailed: 1 });
      await fleet.until(({ phase, open }) => phase === 'canary' && open.length === 1);
      const order = await fleet.order();
      expect(await fleet.tell('pause')).toMatchObject({ phase: 'paused' });
      order[0]?.letGo('ensureToken');
      expect(await fleet.until(({ ends }) => ends.length === 1)).toMatchObject({ phase: 'paused', open: [] });
      const { runId } = await (await fleet.handle()).describe();
      await (await fleet.handle()).signal(continueAsNewSignal);
      await fleet.until(({ phase, open }) => phase === 'paused' && open.length === 0);
      expect(await fleet.tell('resume')).toMatchObject({ size: 6 });
      expect((await fleet.until(({ open }) => open.length === 2)).ends).toHaveLength(1);
      expect((await (await fleet.handle()).describe()).runId).not.toBe(runId);
      await fleet.until(({ open }) => open.length === 2);
      // Whoever else is open goes on, and the one that waits for its turn is taken back.
      for (const stage of order) if (stage !== queued) stage.letGo('ensureToken');
      await fleet.until((status) => isNearlyOver(status) && status.open.length === 1);
      await (await fleet.handle()).signal(continueAsNewSignal);
      expect(await fleet.tell('abort')).toMatchObject({ phase: 'stopping' });
      const result = await fleet.result();
      expect(result).toMatchObject({ outcome: 'aborted', reason: 'aborted by test' });
      const ends = endsOf(fleet, result);
      expect(ends.get(queued.id)).toBe('withdrawn');
      queued.letGo('findGateway');
      queued.letGo('ensureToken');
      expect(await queued.settled()).toMatchObject({ phase: 'ready', life: { tokenGeneration: 1 } });
      await expect(fleet.tell('abort')).rejects.toThrow();
    }));

  it('aborted in its middle begins with nobody else', () =>
    Fleet.play(4, async (fleet) => {
      for (const stage of fleet.gateways) stage.interfere('ensureToken', 'hold before');
      await fleet.start();
      const { open } = await fleet.until((status) => status.open.length === 1);
      const canary = fleet.gateways.find(({ id }) => id === open[0]);
      await canary?.held('ensureToken');
      await fleet.tell('abort');
      for (const stage of fleet.gateways) stage.letGo('ensureToken');
      expect(await fleet.result()).toMatchObject({
        outcome: 'aborted',
        counts: { done: 1, 'not begun': 3 },
        ends: [{ gateway: canary?.id, end: 'done' }],
      });
      const generations = await Promise.all(
        fleet.gateways.map(async (each) => (await each.settled()).life?.tokenGeneration),
      );
      expect(generations.filter((each) => each === 2)).toHaveLength(1);
    }));

  it('whose first one fails leaves the rest alone, and a person hears of it', () =>
    Fleet.play(4, async (fleet) => {
      for (const stage of fleet.gateways) stage.interfere('probeRotatable', 'fail');
      await fleet.start({ maxFailed: 1 });
      const result = await fleet.result();
      expect(result).toMatchObject({ outcome: 'stopped', reason: expect.stringContaining('the first one failed') });
      expect(result).toMatchObject({ counts: { failed: 1, 'not begun': 3 }, ends: [{ end: 'failed' }] });
      for (const stage of fleet.gateways) expect((await stage.settled()).life?.tokenGeneration).toBe(1);
      await vi.waitUntil(() =>
        new DirectoryPager(fleet.ground.root).pages().some(({ title }) => title.includes('fleet')),
      );
    }));

  it('of which more fail than may stops', () =>
    Fleet.play(6, async (fleet) => {
      for (const stage of fleet.gateways) stage.interfere('ensureToken', 'hold before');
      await fleet.start({ window: 1, maxFailed: 0.2 });
      const order = await fleet.until(({ phase }) => phase === 'canary').then(() => fleet.order());
      for (const stage of order.slice(1, 3)) stage.interfere('probeRotatable', 'fail');
      for (const stage of order) stage.letGo('ensureToken');
      const result = await fleet.result();
      expect(result).toMatchObject({ outcome: 'stopped', reason: '2 of 6 failed, more than 20 %' });
      const ends = new Map(result.ends.map(({ gateway, end }) => [gateway, end]));
      expect(order.slice(0, 3).map(({ id }) => ends.get(id))).toEqual(['done', 'failed', 'failed']);
      expect(result.counts).toEqual({ done: 1, failed: 2, 'not begun': 3 });
    }));

  long('withdraws for good what cannot begin in time', () =>
    Fleet.play(2, async (fleet) => {
      const late = await fleet.add();
      late.interfere('findGateway', 'hold before');
      await late.provision({ spec: scheduled });
      await late.held('findGateway');
      await fleet.start({ window: 3, beginWithinMs: 8_000 });
      const result = await fleet.result();
      expect(result.outcome).toBe('done');
      const ends = endsOf(fleet, result);
      expect(ends.get(late.id)).toBe('withdrawn');
      expect([...ends.values()].toSorted()).toEqual(['done', 'done', 'withdrawn']);
      late.letGo('findGateway');
      expect(await late.settled()).toMatchObject({ phase: 'ready', life: { tokenGeneration: 1 } });
    }),
  );

  it('outlives its server', () =>
    Fleet.play(3, async (fleet) => {
      for (const stage of fleet.gateways) stage.interfere('ensureToken', 'hold before');
      await fleet.start();
      await fleet.until(({ open }) => open.length === 1);
      await fleet.ground.killWorkers();
      await fleet.ground.server.kill();
      await fleet.ground.server.start();
      await fleet.ground.startWorker();
      for (const stage of fleet.gateways) stage.letGo('ensureToken');
      expect([...endsOf(fleet, await fleet.result()).values()]).toEqual(['done', 'done', 'done']);
      for (const stage of fleet.gateways) expect((await stage.settled()).life?.tokenGeneration).toBe(2);
    }));

  long('whose worker is killed after each of its activities asks each gateway once', () =>
    Fleet.play(2, async (fleet) => {
      const [first, second] = fleet.gateways;
      const late = await fleet.add();
      late.interfere('findGateway', 'hold before');
      await late.provision({ spec: scheduled });
      await late.held('findGateway');
      await fleet.ground.killWorkers();
      const { interferences } = fleet.ground;
      const crashes = [
        ['surveyFleet', 'none'],
        ['findFleetPage', 'none'],
        ['requestRotation', first?.id],
        ['awaitRotation', second?.id],
        ['withdrawRotation', late.id],
      ] as const;
      for (const [activity, id] of crashes) interferences.set(activity, id ?? '', 'crash after');
      await fleet.ground.keepWorker();
      await fleet.start({ window: 1, beginWithinMs: 12_000 });
      const ends = endsOf(fleet, await fleet.result());
      for (const [activity, id] of crashes) expect(interferences.crashed(activity, id ?? '')).toBe(true);
      late.letGo('findGateway');
      for (const stage of fleet.gateways) {
        expect(ends.get(stage.id)).toBe(stage === late ? 'withdrawn' : 'done');
        expect((await stage.settled()).life?.tokenGeneration).toBe(stage === late ? 1 : 2);
      }
    }),
  );

  it('counts a gateway that does not answer as failed, and goes on with the others', () =>
    Fleet.play(2, async (fleet) => {
      const mute = new DirectoryStage(fleet.ground);
      fleet.gateways.push(mute);
      await (
        await fleet.client
      ).workflow.start('gateway', { workflowId: gatewayWorkflowId(mute.id), taskQueue: 'nobody', args: [] });
      await fleet.start();
      const ends = endsOf(fleet, await fleet.result());
      expect(ends.get(mute.id)).toBe('failed');
      expect([...ends.values()].toSorted()).toEqual(['done', 'done', 'failed']);
    }));

  it('that is cancelled is aborted', () =>
    Fleet.play(2, async (fleet) => {
      for (const stage of fleet.gateways) stage.interfere('ensureToken', 'hold before');
      await fleet.start();
      const { open } = await fleet.until((status) => status.open.length === 1);
      const canary = fleet.gateways.find(({ id }) => id === open[0]);
      await canary?.held('ensureToken');
      await (await fleet.handle()).cancel();
      canary?.letGo('ensureToken');
      const result = await fleet.result();
      expect(result).toMatchObject({ outcome: 'aborted', reason: 'its run was cancelled' });
      expect(result).toMatchObject({ counts: { done: 1, 'not begun': 1 } });
    }));

  long(
    'of 30 in pages of five, carried on as new many times, its worker killed between pages: each is rotated once',
    () =>
      Fleet.play(30, async (fleet) => {
        await fleet.add({ spec: testSpec });
        await fleet.start({ window: 10 }, { fleetPage: 5, entityEvents: 60 });
        await fleet.until(({ counts }) => (counts?.done ?? 0) >= 6);
        await fleet.ground.killWorkers();
        await fleet.ground.startWorker();
        const between = await fleet.until(({ counts }) => (counts?.done ?? 0) >= 16);
        await fleet.ground.killWorkers();
        await fleet.ground.startWorker();
        expect(between.waiting.length).toBeLessThanOrEqual(5);
        const result = await fleet.result();
        expect(result).toMatchObject({ outcome: 'done', size: 30, counts: { done: 30, 'left out': 1 } });
        expect(result).not.toHaveProperty('change');
        endsOf(fleet, result);
        for (const stage of fleet.gateways.slice(0, 30)) expect((await stage.settled()).life?.tokenGeneration).toBe(2);
        const { runs, bytes } = await largestEvent(await fleet.client, fleetWorkflowId('test-run'));
        expect(runs).toBeGreaterThan(3);
        expect(bytes).toBeLessThan(32 * 1024);
      }),
  );

  it('says that gateways came and went while it ran, and asks each once', () =>
    Fleet.play(8, async (fleet) => {
      const lastly = fleet.gateways[3];
      for (const stage of fleet.gateways) stage.interfere('ensureToken', 'hold before');
      await fleet.start({ window: 1 }, { fleetPage: 2 });
      const { open } = await fleet.until((status) => status.open.length === 1);
      const order = await fleet.order();
      const [leaver] = order.slice(-1);
      await leaver?.remove();
      leaver?.letGo('ensureToken');
      await leaver?.settled();
      for (const stage of order) stage.letGo('ensureToken');
      const result = await fleet.result();
      expect(result).toMatchObject({ outcome: 'done', size: 8, counts: { done: 7, 'left out': 1 } });
      expect(result.change).toBe('8 took part when it looked, 7 when it was their turn: gateways came or went');
      expect(open).toHaveLength(1);
      expect((await lastly?.settled())?.life?.tokenGeneration).toBe(lastly === leaver ? 1 : 2);
    }));

  it('that looks is aborted at once, and holds up no later one', () =>
    Fleet.play(3, async (fleet) => {
      const { interferences } = fleet.ground;
      interferences.set('surveyFleet', 'none', 'hold before');
      await fleet.start();
      await interferences.held('surveyFleet', 'none');
      expect(await fleet.status()).toMatchObject({ phase: 'looking' });
      await expect(fleet.tell('pause')).rejects.toThrow();
      const began = Date.now();
      await fleet.tell('abort');
      expect(await fleet.result()).toMatchObject({ outcome: 'aborted', reason: 'aborted by test', ends: [] });
      expect(Date.now() - began).toBeLessThan(20_000);
      interferences.clear('surveyFleet', 'none');
      await fleet.start({}, {}, 'next');
      expect(await fleet.result()).toMatchObject({ outcome: 'done', counts: { done: 3 } });
    }));

  it('beside one that answers nobody is refused with the command that ends that one, which does', () =>
    Fleet.play(2, async (fleet) => {
      const client = await fleet.client;
      await client.workflow.start('rotateFleet', {
        workflowId: fleetWorkflowId('stuck'),
        taskQueue: 'nobody',
        args: [],
      });
      await vi.waitUntil(async () => (await listRuns(client)).length === 1);
      await fleet.start({}, {}, 'second');
      await expect(fleet.result()).rejects.toMatchObject({
        cause: { type: 'Refused', message: expect.stringMatching(/run stuck goes .*`creel fleet abort stuck`/) },
      });
      await endFleet(client, 'stuck', 'by force');
      await fleet.start({}, {}, 'third');
      expect(await fleet.result()).toMatchObject({ outcome: 'done', counts: { done: 2 } });
    }));
});
