import { describe, expect, it } from 'vitest';
import { replacementNames } from '../../../src/domain/changes/replacement.js';
import { gatewayContainer } from '../../../src/domain/gateway/container.js';
import { markLabels, names, type Gateway, type Mark } from '../../../src/domain/gateway/gateway.js';
import { fleetKeyName } from '../../../src/domain/hosts/fleet-key.js';
import { machineNames } from '../../../src/domain/hosts/machine.js';
import type { Owner } from '../../../src/domain/sweep/owner.js';
import { condemnedGraceMs } from '../../../src/domain/thresholds.js';
import type { Description } from '../../../src/wire/description.js';
import { ownerIn } from '../../../src/wire/owner.js';
import type { SweepMemory, SweepResult } from '../../../src/wire/sweep.js';
import {
  decideSweep,
  leaveOut,
  newSweep,
  noteRemoved,
  noteStopped,
  sweepResult,
  turnSweepPage,
} from '../../../src/workflows/hosts/sweep-state.js';
import { createActivities } from '../../../src/activities/activities.js';
import { DirectoryEngine } from '../../world/directory-engine.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { accountOf, rootOf } from '../../world/machine-world.js';
import { imageOf, openTestWorld, testDeployment, testRelease, type TestWorld } from '../../world/open-test-world.js';
import { onMachine, testMachine } from '../proofs/machine-ground.js';
import { dice } from './dice.js';

const { region } = testMachine;
const parts = ['machine', 'address', 'snapshot'] as const;
type Part = (typeof parts)[number];

/** What has become of a life, what its record says, and whether all that was bought for it is provably nobody's. */
type Fate = {
  readonly owner: (gateway: Gateway) => Owner;
  readonly goes?: true;
  readonly foreign?: true;
  readonly reported?: true;
};

const ended = ({ mark }: Gateway, kind: 'remove' | 'provision', outcome: 'done' | 'undone') => {
  const workflowId = `gateway/${mark.gateway}/${mark.birth}/9-${kind}`;
  return { operation: 9, kind, workflowId, outcome, reason: '' };
};

function living(gateway: Gateway): Description {
  return {
    deployment: testDeployment,
    gateway: gateway.mark.gateway,
    phase: 'ready',
    since: '2026-11-29T00:00:00.000Z',
    reason: '',
    life: { ...gateway, replacement: 4 },
    record: {} as NonNullable<Description['record']>,
    skipped: [],
    approved: [],
    left: [],
    park: undefined,
    running: undefined,
    queue: [],
    last: ended(gateway, 'provision', 'undone'),
    stateKeptUntil: undefined,
  };
}

const removed = (gateway: Gateway, more: Partial<Description> = {}) =>
  ownerIn({
    ...living(gateway),
    phase: 'removed',
    record: undefined,
    last: ended(gateway, 'remove', 'done'),
    ...more,
  });

const running = ({ mark }: Gateway, kind: 'remove' | 'provision') => ({
  running: { operation: 8, kind, workflowId: `gateway/${mark.gateway}/${mark.birth}/8-${kind}` },
});

const fates: Readonly<Record<string, Fate>> = {
  'is ready': { owner: (each) => ownerIn(living(each)) },
  'is being provisioned': {
    owner: (each) =>
      ownerIn({ ...living(each), phase: 'provisioning', record: undefined, ...running(each, 'provision') }),
  },
  'could not be provisioned': {
    owner: (each) => removed(each, { last: ended(each, 'provision', 'undone') }),
    goes: true,
  },
  'was removed with its state': { owner: (each) => removed(each), goes: true },
  'was removed before its engine was known': {
    owner: ({ place: { engine: _none, ...place }, ...each }) => removed({ ...each, place }),
    goes: true,
  },
  'was removed and its state is kept': {
    owner: (each) => removed(each, { stateKeptUntil: '2026-12-13T00:00:00.000Z', reason: 'state kept until' }),
  },
  'is being removed': { owner: (each) => removed(each, running(each, 'remove')) },
  'was removed and something is left': {
    owner: (each) => removed(each, { left: [{ step: 'create machine', kind: 'Refused', reason: 'by a test' }] }),
  },
  'was removed when its state had vanished': {
    reported: true,
    owner: (each) => removed(each, { reason: 'its state was gone already' }),
  },
  'has a record that names another region': {
    reported: true,
    owner: (each) => removed({ ...each, place: { ...each.place, region: 'us-west-2' } }),
  },
  'has a record that names another host': {
    reported: true,
    owner: ({ mark, ...each }) => removed({ ...each, mark, place: { provider: 'local', host: 'local', engine: 'E' } }),
  },
  'has a record of the removal of another life': {
    reported: true,
    owner: (each) => removed({ ...each, mark: { ...each.mark, birth: 'zzzzzz' } }),
  },
  'has no record: an empty namespace': { reported: true, owner: () => ({ is: 'unknown' }) },
  'has a record that was terminated': { reported: true, owner: () => ({ is: 'ended', how: 'terminated' }) },
  'is of another deployment': { owner: (each) => removed(each), foreign: true },
};

/** A world whose gateways stand on machines of their own, each of a fate of its own. */
class Worlds {
  readonly world: TestWorld = openTestWorld();
  readonly owners = new Map<string, Owner>();
  readonly expected: string[] = [];
  #memory: SweepMemory | undefined;

  get account() {
    return accountOf(this.world.root);
  }

  get activities() {
    const records = {
      ...this.world.deps.records,
      owner: async (gateway: string) => this.owners.get(gateway) ?? ({ is: 'unknown' } as const),
      lastSweep: async () => this.#memory,
    };
    return createActivities({ ...this.world.deps, records });
  }

  /** A gateway of this fate, with what is picked of what is bought for one. */
  async add(id: string, fate: string, picked: (part: Part) => boolean = () => true): Promise<Gateway> {
    const { owner, goes, foreign } = fates[fate] ?? { owner: () => ({ is: 'unknown' }) as const };
    const made = onMachine(this.world, id);
    const mark = foreign ? { ...made.mark, deployment: 'otherdeplo' } : made.mark;
    const bought = { ...made, mark };
    const engine = await this.#buy(bought, picked);
    const gateway = { ...bought, place: { ...bought.place, engine } };
    this.owners.set(id, owner(gateway));
    if (!goes) this.expected.push(...this.billOf(mark));
    return gateway;
  }

  async #buy({ mark, place }: Gateway, picked: (part: Part) => boolean): Promise<string> {
    const { account, world } = this;
    account.become({ machines: 90, addresses: 90 });
    const at = { mark, region };
    const key = await account.ensureFleetKey(region, testDeployment, world.deps.machines?.fleetKeys()[0] ?? noKey());
    const order = { zones: ['eu-central-1a'], size: 'small', system: 'debian_12', key, launchScript: '' };
    await account.ensureMachine(at, order);
    account.settle(at);
    if (picked('address')) await account.ensureAddress(at);
    if (picked('snapshot')) account.put(region, `by-hand-${mark.gateway}`, { kind: 'snapshot', mark });
    const engine = await new DirectoryHost(rootOf(world.root, place)).findNearest();
    if (!picked('machine')) account.forget(region, machineNames(mark).machine);
    return engine;
  }

  /** What is bought for a life, as on the bill. */
  billOf({ gateway }: Pick<Mark, 'gateway'>): string[] {
    return this.account.bill(region).filter((line) => line.includes(`-${gateway}-`) || line.endsWith(`-${gateway}`));
  }

  /** One sweep as its workflow does it. */
  async sweep(before?: SweepMemory, mayGo: number | 'the usual' = Infinity, now = Date.now()): Promise<SweepResult> {
    this.#memory = before;
    const { activities } = this;
    const { engines, memory } = await activities.findSwept();
    const state = newSweep(engines, memory);
    for (let on = state.engines[0]; on; [on] = state.engines) {
      const asked = { engine: on.engine, after: state.after, limit: 2 };
      const look = on.at ? activities.findUnownedIn({ ...asked, at: on.at }) : activities.findUnowned(asked);
      const page = await look.catch((error: unknown) => String(error));
      if (typeof page === 'string') leaveOut(state, page);
      else turnSweepPage(state, page, now, condemnedGraceMs);
    }
    decideSweep(state, mayGo === 'the usual' ? undefined : mayGo);
    if (state.reason !== '') return sweepResult(state, false);
    for (const thing of state.remove) noteRemoved(state, thing, await activities.ensureSwept(thing));
    for (const thing of state.stop) noteStopped(state, thing, await activities.ensureStopped(thing));
    return sweepResult(state, false);
  }

  bill(): string[] {
    return this.account.bill(region).toSorted();
  }
}

function noKey(): never {
  throw new Error('the world buys no machines');
}

async function inWorld(run: (worlds: Worlds) => Promise<void>): Promise<void> {
  const worlds = new Worlds();
  try {
    await run(worlds);
  } finally {
    worlds.world.close();
  }
}

describe('a sweep over machines of gateways’ own', () => {
  it.each(Object.keys(fates))(
    'leaves what is owned or unproved of a gateway that %s, and nothing else (S4-5, K-1)',
    (fate) =>
      inWorld(async (worlds) => {
        await worlds.add('g42', fate);
        const { removed: gone, stopped, counts } = await worlds.sweep();
        expect(counts.report).toBe(fates[fate]?.reported ? 3 : 0);
        expect(worlds.bill()).toEqual(worlds.expected.toSorted());
        expect(gone.every(({ stays }) => stays === undefined)).toBe(true);
        expect(stopped).toEqual([]);
      }),
  );

  it('of 200 random worlds takes every provable orphan and nothing else, and twice is as once (S4-5, K-1)', async () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const roll = dice(seed);
      await inWorld(async (worlds) => {
        const all = Object.keys(fates);
        for (let index = 0; index < 1 + (seed % 4); index += 1)
          await worlds.add(`g${index}`, all[Math.floor(roll() * all.length)] ?? '', () => roll() < 0.7);
        const once = await worlds.sweep();
        expect(worlds.bill(), `world ${seed}`).toEqual(worlds.expected.toSorted());
        const twice = await worlds.sweep(once.memory);
        expect(twice.counts, `world ${seed}`).toMatchObject({
          remove: 0,
          stop: 0,
          news: 0,
          report: once.counts.report,
        });
        expect(worlds.bill(), `world ${seed}`).toEqual(worlds.expected.toSorted());
      });
    }
  }, 240_000);

  it('says what everything that goes saves a month, and halts before it touches anything where that is too much', () =>
    inWorld(async (worlds) => {
      await worlds.add('g1', 'was removed with its state');
      await worlds.add('g2', 'was removed with its state', (part) => part === 'address');
      const before = worlds.bill();
      const halted = await worlds.sweep(undefined, 'the usual');
      // A machine of 12 USD with its address and 20 GB of a snapshot, and an address that is attached to nothing.
      expect(halted).toMatchObject({ outcome: 'halted', counts: { remove: 4 }, savesUsd: 12 + 1 + 3.72 });
      expect(worlds.bill()).toEqual(before);
      expect(await worlds.sweep(undefined, 4)).toMatchObject({ outcome: 'done', savesUsd: 16.72 });
      expect(worlds.bill()).toEqual([]);
    }));

  it('halts where a region holds much less than when the last one ended', () =>
    inWorld(async (worlds) => {
      const lives = [];
      for (let index = 0; index < 5; index += 1) lives.push(await worlds.add(`g${index}`, 'is ready'));
      const { memory } = await worlds.sweep(undefined, 'the usual');
      for (const { mark } of lives.slice(1))
        for (const line of worlds.billOf(mark)) worlds.account.forget(region, line.split(' ')[1] ?? '');
      const halted = await worlds.sweep(memory, 'the usual');
      expect(halted).toMatchObject({
        outcome: 'halted',
        reason: expect.stringMatching(/^lightsail eu-central-1 carries 1 lives .* carried 5/),
      });
    }));

  it('takes nothing that came to be owned after it had looked, and stops no machine that no record speaks for', () =>
    inWorld(async (worlds) => {
      const gateway = await worlds.add('g42', 'was removed with its state');
      const [, on] = (await worlds.activities.findSwept()).engines;
      const page = await worlds.activities.findUnownedIn({ ...onRegion(on), after: '', limit: 9 });
      expect(page.remove).toHaveLength(3);
      const before = worlds.bill();
      worlds.owners.set('g42', ownerIn(living(gateway)));
      for (const thing of page.remove)
        expect(await worlds.activities.ensureSwept(thing)).toBe('its gateway owns it now');
      worlds.owners.set('g42', { is: 'unknown' });
      for (const thing of page.remove) expect(await worlds.activities.ensureSwept(thing)).toMatch(/proves nothing/);
      expect(worlds.bill()).toEqual(before);
      const first = await worlds.sweep();
      const late = await worlds.sweep(first.memory, 'the usual', Date.now() + condemnedGraceMs);
      expect(late.counts).toMatchObject({ remove: 0, stop: 0, report: 3, news: 0 });
      expect((await worlds.account.findMachine({ mark: gateway.mark, region }))?.state).toBe('running');
    }));

  it('reports what is named like ours, a key that no worker has, and a copy of a machine with its tags; counts what is not ours', () =>
    inWorld(async (worlds) => {
      const { mark } = await worlds.add('g42', 'is ready');
      await worlds.add('g43', 'is of another deployment');
      const { account } = worlds;
      account.put(region, 'oc-g7-7k3fq2-snap-a', { kind: 'snapshot' });
      account.put(region, 'somebodys', { kind: 'snapshot' });
      account.copy(region, machineNames(mark).machine, 'oc-copy');
      const other = { slot: 'b', publicKey: 'ssh-ed25519 AAAAother' } as const;
      await account.ensureFleetKey(region, testDeployment, other);
      const result = await worlds.sweep();
      expect(result.foreign).toEqual({ otherdeplo: 3 });
      expect(result.reported.map(({ kind, name, reason }) => `${kind} ${name}: ${reason}`).toSorted()).toEqual([
        expect.stringMatching(new RegExp(`^key ${fleetKeyName(testDeployment, other)}: no .*fleet_key`)),
        expect.stringMatching(/^machine oc-copy: .*named otherwise/),
        expect.stringMatching(/^snapshot oc-g7-7k3fq2-snap-a: .*carries no mark/),
      ]);
      expect(result).toMatchObject({ removed: [], stopped: [] });
    }));

  it('takes what a living gateway’s operations left on the engine of its machine, and says which machine did not answer', () =>
    inWorld(async (worlds) => {
      const { world } = worlds;
      const gateway = await worlds.add('g42', 'is ready');
      const silent = await worlds.add('g43', 'is ready');
      worlds.account.stopByHand({ mark: silent.mark, region });
      const changed = await worlds.add('g44', 'is ready');
      worlds.owners.set('g44', ownerIn(living({ ...changed, place: { ...changed.place, engine: 'ANOTHER' } })));
      const engine = new DirectoryEngine(rootOf(world.root, gateway.place));
      const image = `sha256:${'1'.repeat(64)}`;
      engine.addImage(imageOf(testRelease), { id: image, labels: {} });
      const { former } = replacementNames(gateway.mark);
      const network = { name: names(gateway.mark).network, labels: markLabels(gateway.mark), subnet: '10.9.0.0/24' };
      await engine.createVolume({ name: names(gateway.mark).volume, labels: markLabels(gateway.mark) });
      await engine.createNetwork(network);
      await engine.createContainer({ ...gatewayContainer(gateway, image, 19_000), name: former });
      await engine.createContainer(gatewayContainer({ ...gateway, replacement: 4 }, image, 19_000));
      const result = await worlds.sweep();
      expect(result.removed.map(({ kind, name, at }) => ({ kind, name, host: at?.host }))).toEqual([
        { kind: 'container', name: former, host: gateway.place.host },
      ]);
      expect(engine.leftovers()).toEqual([
        `container ${names(gateway.mark).container}`,
        `network ${network.name}`,
        `volume ${names(gateway.mark).volume}`,
      ]);
      expect(result.reported.map(({ name, reason }) => ({ name, reason }))).toEqual([
        { name: changed.place.host, reason: expect.stringContaining('ANOTHER') },
      ]);
      rmEngine(world.root, gateway);
      const down = await worlds.sweep(result.memory);
      expect(down.unasked).toEqual([
        { engine: `of machine ${gateway.place.host}`, reason: expect.stringContaining('no engine answers') },
      ]);
    }));

  it('leaves a region out whose seller does not answer, and hands on what it knew of it', () =>
    inWorld(async (worlds) => {
      await worlds.add('g42', 'was removed with its state');
      const { memory } = await worlds.sweep(undefined, 'the usual');
      worlds.account.become({ isAway: true });
      const away = await worlds.sweep(memory, 'the usual');
      expect(away).toMatchObject({ outcome: 'done', unasked: [{ engine: 'lightsail eu-central-1' }], memory });
      const first = await worlds.sweep(undefined, 'the usual');
      expect(first.unasked.map((each) => each.engine)).toEqual(['lightsail us-east-1']);
    }));
});

/** The engine on a machine answers nobody any more. */
function rmEngine(root: string, { place }: Gateway): void {
  new DirectoryEngine(rootOf(root, place)).setDown(true);
}

function onRegion(on: { engine: string; at?: { provider: 'lightsail'; region: string } } | undefined) {
  if (!on?.at) throw new Error('no region is swept');
  return { engine: on.engine, at: on.at };
}
