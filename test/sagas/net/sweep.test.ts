import { describe, expect, it } from 'vitest';
import { wayLabel } from '../../../src/domain/changes/copying.js';
import { replacementLabel, replacementNames } from '../../../src/domain/changes/replacement.js';
import { gatewayContainer, trialContainer } from '../../../src/domain/gateway/container.js';
import { layout, markLabels, names, type Gateway } from '../../../src/domain/gateway/gateway.js';
import { jsonBytes } from '../../../src/domain/cut.js';
import { straightOut } from '../../../src/domain/hosts/egress.js';
import type { Owner } from '../../../src/domain/sweep/owner.js';
import {
  condemnedGraceMs,
  sweepNames,
  sweepPageLength,
  sweepRemembers,
  trialGraceMs,
} from '../../../src/domain/thresholds.js';
import type { Description } from '../../../src/wire/description.js';
import { ownerIn } from '../../../src/wire/owner.js';
import type { Gone, Reported, SweepMemory, SweepResult } from '../../../src/wire/sweep.js';
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
import { engineIdAt } from '../../world/directory-engine.js';
import { openTestWorld, testDeployment, type TestWorld } from '../../world/open-test-world.js';
import { dice } from './dice.js';

const everything = [
  'own',
  'network',
  'writer',
  'former',
  'copier',
  'trial',
  'trial copy',
  'state',
  'shelf a',
  'shelf b',
] as const;
type Part = (typeof everything)[number];

function nameOf({ mark }: Gateway, part: Part): string {
  const own = names(mark);
  const more = replacementNames(mark);
  return {
    own: `container ${own.container}`,
    network: `network ${own.network}`,
    writer: `container ${own.writer}`,
    former: `container ${more.former}`,
    copier: `container ${more.copier}`,
    trial: `container ${more.rehearsal}`,
    'trial copy': `volume ${more.trial}`,
    state: `volume ${own.volume}`,
    'shelf a': `volume ${more.savedStates.a}`,
    'shelf b': `volume ${more.savedStates.b}`,
  }[part];
}

/** What has become of a life, what its record says of it, and what of it is provably nobody's then. */
type Fate = { readonly owner: (gateway: Gateway) => Owner; readonly gone: readonly Part[]; readonly foreign?: true };

const removed = (gateway: Gateway, more: Partial<Description> = {}) =>
  ownerIn({
    ...living(gateway),
    phase: 'removed',
    record: undefined,
    last: ended(gateway, 'remove', 'done'),
    ...more,
  });

function ended({ mark }: Gateway, kind: 'remove' | 'provision' | 'purge', outcome: 'done' | 'undone' | 'left') {
  const workflowId = `gateway/${mark.gateway}/${mark.birth}/9-${kind}`;
  return { operation: 9, kind, workflowId, outcome, reason: '' };
}

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
    former: { release: '2026.9.6', until: '2026-12-06T00:00:00.000Z', shelf: 'a' },
  };
}

const running = ({ mark }: Gateway, kind: 'upgrade' | 'remove' | 'provision') => ({
  running: { operation: 8, kind, workflowId: `gateway/${mark.gateway}/${mark.birth}/8-${kind}` },
});
const left = [{ step: 'keep state', kind: 'Refused', reason: 'by a test' }];
const another = (gateway: Gateway): Gateway => ({ ...gateway, mark: { ...gateway.mark, birth: 'zzzzzz' } });
const elsewhere = (gateway: Gateway): Gateway => ({
  ...gateway,
  place: { ...gateway.place, engine: 'ANOTHER:ENGINE' },
});
const shelfless = { release: '2026.9.6', until: '2026-12-06T00:00:00.000Z' };
const past = ['former', 'copier', 'trial', 'trial copy'] as const;

const fates: Readonly<Record<string, Fate>> = {
  'is ready': { owner: (each) => ownerIn(living(each)), gone: [...past, 'shelf b'] },
  'is ready and goes back to nothing': {
    owner: (each) => {
      const { former: _former, ...told } = living(each);
      return ownerIn(told);
    },
    gone: [...past, 'shelf a', 'shelf b'],
  },
  'is ready by a record that is older than its container': {
    owner: (each) => ownerIn({ ...living(each), life: { ...each, replacement: 3 } }),
    gone: [],
  },
  'is ready, and its record does not say to which state it goes back': {
    owner: (each) => ownerIn({ ...living(each), former: shelfless }),
    gone: [],
  },
  'is being upgraded': { owner: (each) => ownerIn({ ...living(each), ...running(each, 'upgrade') }), gone: [] },
  'waits for an upgrade': {
    owner: (each) => ownerIn({ ...living(each), queue: [{ operation: 9, kind: 'upgrade' }] }),
    gone: [],
  },
  'is degraded: a way back may be owed': { owner: (each) => ownerIn({ ...living(each), phase: 'degraded' }), gone: [] },
  'is being provisioned': {
    owner: (each) =>
      ownerIn({ ...living(each), phase: 'provisioning', record: undefined, ...running(each, 'provision') }),
    gone: [],
  },
  'could not be provisioned': {
    owner: (each) => removed(each, { last: ended(each, 'provision', 'undone'), reason: 'no room' }),
    gone: everything,
  },
  'was removed with its state': { owner: (each) => removed(each), gone: everything },
  'was removed, and its kept state let go': {
    owner: (each) => removed(each, { last: ended(each, 'purge', 'done') }),
    gone: everything,
  },
  'was removed and its state is kept': {
    owner: (each) => removed(each, { stateKeptUntil: '2026-12-13T00:00:00.000Z', reason: 'state kept until' }),
    gone: past,
  },
  'is being removed': { owner: (each) => removed(each, running(each, 'remove')), gone: [] },
  'was removed and something is left': { owner: (each) => removed(each, { left }), gone: [] },
  'was removed when its state had vanished': {
    owner: (each) => removed(each, { reason: 'its state was gone already: none is kept' }),
    gone: ['own', 'network', 'writer', ...past],
  },
  'was given up with its engine': {
    owner: (each) => removed(each, { reason: 'engine X was given up' }),
    gone: ['own', 'network', 'writer', ...past],
  },
  'was removed on another engine': { owner: (each) => removed(elsewhere(each)), gone: [] },
  'lives on another engine': { owner: (each) => ownerIn(living(elsewhere(each))), gone: [] },
  'has a record of another life': { owner: (each) => ownerIn(living(another(each))), gone: [] },
  'has a record of the removal of another life': { owner: (each) => removed(another(each)), gone: [] },
  'has no record: an empty namespace': { owner: () => ({ is: 'unknown' }), gone: [] },
  'has a record that never had a life': {
    owner: (each) => ownerIn({ ...living(each), phase: 'none', life: undefined }),
    gone: [],
  },
  'has a record that was terminated': { owner: () => ({ is: 'ended', how: 'terminated' }), gone: [] },
  'is of another deployment': { owner: (each) => removed(each), gone: [], foreign: true },
};

/** A world with some lives, each of a fate of its own, of which some parts are there. */
class Worlds {
  readonly world: TestWorld;
  readonly engine: string;
  readonly owners = new Map<string, Owner>();
  readonly expected: string[] = [];
  readonly #dice: () => number;

  constructor(seed: number) {
    this.world = openTestWorld();
    this.engine = engineIdAt(this.world.root);
    this.#dice = dice(seed);
  }

  get activities() {
    const records = {
      ...this.world.deps.records,
      owner: async (gateway: string) => this.owners.get(gateway) ?? ({ is: 'unknown' } as const),
    };
    return createActivities({ ...this.world.deps, records });
  }

  async populate(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const keys = Object.keys(fates);
      await this.add(`g${index}`, keys[Math.floor(this.#dice() * keys.length)] ?? '', () => this.#dice() < 0.6);
    }
  }

  /** A gateway of this fate, with the parts that are picked. */
  async add(id: string, fate: string, picked: (part: Part) => boolean = () => true): Promise<Gateway> {
    const parts = everything.filter(picked);
    const picks = (part: Part) => parts.includes(part);
    const { owner, gone: provable, foreign } = fates[fate] ?? { owner: () => ({ is: 'unknown' }) as const, gone: [] };
    // Where a ready gateway has no container, what is there may be all that there is.
    const gone = fate.startsWith('is ready') && !picks('own') ? [] : provable;
    const made = this.world.gateway(id);
    const gateway = foreign ? { ...made, mark: { ...made.mark, deployment: 'otherdeploy' } } : made;
    await this.#make(gateway);
    this.owners.set(id, owner(gateway));
    for (const part of everything) {
      const [kind = '', name = ''] = nameOf(gateway, part).split(' ');
      if (!picks(part)) this.world.engine.forget(kind as 'container' | 'volume' | 'network', name);
      else if (!gone.includes(part)) this.expected.push(nameOf(gateway, part));
    }
    return gateway;
  }

  /** A worker that was killed while it tried the fence, or, where this was just now, one that is at it. */
  async leaveTrial(deployment: string, agoMs: number): Promise<void> {
    const { engine } = this.world;
    const labels = { 'creel.fence': deployment };
    await engine.createVolume({ name: 'none', labels: {} });
    for (const role of ['host', 'other', 'gateway']) {
      const name = `creel-fence-${deployment}-${role}`;
      const nothing = { imageId: `sha256:${'1'.repeat(64)}`, target: '/none', volume: 'none' };
      await engine.createWriter({ ...nothing, name, labels });
      if (role !== 'host')
        for (let third = 0; ; third += 1)
          if ((await engine.createNetwork({ name, labels, subnet: `10.213.${third}.0/28` })) === 'created') break;
      engine.noteMade(name, Date.now() - agoMs);
      const isGone = deployment === testDeployment && agoMs >= trialGraceMs;
      const kinds = role === 'host' ? ['container'] : ['container', 'network'];
      if (!isGone) this.expected.push(...kinds.map((kind) => `${kind} ${name}`));
    }
    engine.forget('volume', 'none');
  }

  /** As a seed has it: none, one under way, or what a killed worker left; of ours, and of another deployment. */
  async leaveTrials(): Promise<void> {
    for (const deployment of [testDeployment, 'otherdeploy']) {
      const roll = this.#dice();
      if (roll < 0.3) await this.leaveTrial(deployment, 30_000);
      else if (roll < 0.7) await this.leaveTrial(deployment, trialGraceMs + 60_000);
    }
  }

  async #make(gateway: Gateway): Promise<void> {
    const { engine } = this.world;
    const own = names(gateway.mark);
    const more = replacementNames(gateway.mark);
    const labels = markLabels(gateway.mark);
    const imageId = `sha256:${'1'.repeat(64)}`;
    for (const name of [own.volume, more.trial]) await engine.createVolume({ name, labels });
    for (const name of Object.values(more.savedStates))
      await engine.createVolume({ name, labels: { ...labels, [replacementLabel]: '3' } });
    for (let third = 0; ; third += 1)
      if ((await engine.createNetwork({ name: own.network, labels, subnet: `10.9.${third}.0/24` })) === 'created')
        break;
    await engine.createContainer({ ...gatewayContainer(gateway, imageId, 19_000), name: more.former });
    await engine.createContainer(gatewayContainer({ ...gateway, replacement: 4 }, imageId, 19_000));
    await engine.createContainer(trialContainer(gateway, imageId, {}, straightOut));
    const holding = { imageId, target: '/state' };
    await engine.createWriter({ ...holding, volume: own.volume, name: own.writer, labels });
    await engine.createWriter({
      ...holding,
      volume: more.savedStates.b,
      name: more.copier,
      labels: { ...labels, [wayLabel]: 'save' },
    });
  }

  /** One sweep as its workflow does it, whatever it would take. */
  async sweep(before?: SweepMemory, mayGo: number | 'the usual' = Infinity, now = Date.now()): Promise<SweepResult> {
    const { activities } = this;
    const state = newSweep([{ engine: this.engine, attended: true }], before);
    while (state.engines.length > 0) {
      const page = await activities.findUnowned({ engine: this.engine, after: state.after, limit: 2 });
      turnSweepPage(state, page, now, condemnedGraceMs);
    }
    decideSweep(state, mayGo === 'the usual' ? undefined : mayGo);
    if (state.reason !== '') return sweepResult(state, false);
    for (const thing of state.remove) noteRemoved(state, thing, await activities.ensureSwept(thing));
    for (const thing of state.stop) noteStopped(state, thing, await activities.ensureStopped(thing));
    return sweepResult(state, false);
  }
}

async function inWorld(seed: number, run: (worlds: Worlds) => Promise<void>): Promise<void> {
  const worlds = new Worlds(seed);
  try {
    await run(worlds);
  } finally {
    worlds.world.close();
  }
}

describe('a sweep', () => {
  it.each(Object.keys(fates))(
    'leaves what is owned or unproved of a gateway that %s, and nothing else (S4-5)',
    (fate) =>
      inWorld(1, async (worlds) => {
        await worlds.add('g42', fate);
        const { removed: gone } = await worlds.sweep();
        expect(worlds.world.engine.leftovers()).toEqual(worlds.expected.toSorted());
        expect(gone.every(({ stays }) => stays === undefined)).toBe(true);
      }),
  );

  it('of 200 random worlds takes every provable orphan and nothing else, and twice is as once (S4-5)', async () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      await inWorld(seed, async (worlds) => {
        await worlds.populate(1 + (seed % 6));
        await worlds.leaveTrials();
        const once = await worlds.sweep();
        expect(worlds.world.engine.leftovers(), `world ${seed}`).toEqual(worlds.expected.toSorted());
        const twice = await worlds.sweep(once.memory);
        expect(twice.counts, `world ${seed}`).toMatchObject({
          remove: 0,
          stop: 0,
          news: 0,
          report: once.counts.report,
        });
        expect(worlds.world.engine.leftovers(), `world ${seed}`).toEqual(worlds.expected.toSorted());
      });
    }
  }, 120_000);

  it('halts before it touches anything where more would go than three things and two of a hundred', () =>
    inWorld(1, async (worlds) => {
      await worlds.add('g1', 'was removed with its state', (part) =>
        ['own', 'state', 'network', 'writer'].includes(part),
      );
      const before = worlds.world.engine.leftovers();
      expect(await worlds.sweep(undefined, 'the usual')).toMatchObject({ outcome: 'halted', counts: { remove: 4 } });
      expect(worlds.world.engine.leftovers()).toEqual(before);
      expect(await worlds.sweep(undefined, 4)).toMatchObject({ outcome: 'done', reason: '' });
      expect(worlds.world.engine.leftovers()).toEqual([]);
    }));

  it('takes what a trial of the fence left whose worker was killed, without a halt, and nothing of one that goes on (S4-5)', () =>
    inWorld(1, async (worlds) => {
      const { engine } = worlds.world;
      await worlds.leaveTrial('otherdeploy', 2 * trialGraceMs);
      await worlds.leaveTrial(testDeployment, 2 * trialGraceMs);
      const { remove } = await worlds.activities.findUnowned({ engine: worlds.engine, after: '', limit: 9 });
      expect(remove).toHaveLength(5);
      engine.noteMade(`creel-fence-${testDeployment}-host`, Date.now());
      for (const thing of remove) expect(await worlds.activities.ensureSwept(thing)).toBe('the fence is being tried');
      expect((await worlds.sweep(undefined, 'the usual')).removed).toEqual([]);
      engine.noteMade(`creel-fence-${testDeployment}-host`, Date.now() - trialGraceMs);
      const { outcome, removed: gone } = await worlds.sweep(undefined, 'the usual');
      expect(outcome).toBe('done');
      expect(gone.map(({ proof }) => proof)).toEqual(Array(5).fill(expect.stringContaining('was cut short left it')));
      expect(engine.leftovers()).toEqual(worlds.expected.toSorted());
    }));

  it('halts where much less is there than when the last one ended, also the next time, until a person says go on', () =>
    inWorld(1, async (worlds) => {
      for (let index = 0; index < 5; index += 1) await worlds.add(`g${index}`, 'is ready', (part) => part === 'own');
      const { memory } = await worlds.sweep(undefined, 'the usual');
      for (const each of worlds.expected.slice(1)) worlds.world.engine.forget('container', each.split(' ')[1] ?? '');
      const halted = await worlds.sweep(memory, 'the usual');
      expect(halted).toMatchObject({
        outcome: 'halted',
        reason: expect.stringMatching(/carries 1 lives .* carried 5/),
      });
      const again = await worlds.sweep(halted.memory, 'the usual');
      expect(again.outcome).toBe('halted');
      const accepted = await worlds.sweep(again.memory, 0);
      expect((await worlds.sweep(accepted.memory, 'the usual')).outcome).toBe('done');
    }));

  it('takes nothing that came to be owned, or was made anew by another life, after it had looked', () =>
    inWorld(1, async (worlds) => {
      const gateway = await worlds.add('g42', 'was removed with its state');
      const { remove } = await worlds.activities.findUnowned({ engine: worlds.engine, after: '', limit: 9 });
      expect(remove).toHaveLength(everything.length);
      const before = worlds.world.engine.leftovers();
      worlds.owners.set('g42', ownerIn(living(gateway)));
      for (const thing of remove.filter(({ name }) => name === names(gateway.mark).container))
        expect(await worlds.activities.ensureSwept(thing)).toBe('its gateway owns it now');
      worlds.owners.set('g42', { is: 'unknown' });
      for (const thing of remove) expect(await worlds.activities.ensureSwept(thing)).toMatch(/proves nothing/);
      worlds.owners.set('g42', removed(gateway));
      for (const thing of remove)
        expect(await worlds.activities.ensureSwept({ ...thing, birth: 'yyyyyy' })).toMatch(/does not carry the mark/);
      expect(worlds.world.engine.leftovers()).toEqual(before);
    }));

  it('stops what no record speaks for when its time is over, removes none of it, and leaves what a record claims', () =>
    inWorld(1, async (worlds) => {
      const { engine } = worlds.world;
      const gateway = await worlds.add('g42', 'has no record: an empty namespace', (part) =>
        ['own', 'network', 'state'].includes(part),
      );
      const { container } = names(gateway.mark);
      const found = await engine.findContainer(container);
      await engine.startContainer(found?.id ?? '');
      const now = Date.now();
      const first = await worlds.sweep(undefined, 'the usual', now);
      expect(first.counts).toEqual({ remove: 0, stop: 0, report: 3, news: 3 });
      const early = await worlds.sweep(first.memory, 'the usual', now + condemnedGraceMs - 1);
      expect(early.counts).toMatchObject({ stop: 0, news: 0 });
      const late = await worlds.sweep(early.memory, 'the usual', now + condemnedGraceMs);
      expect(late.stopped.map(({ name }) => name)).toEqual([container]);
      expect((await engine.findContainer(container))?.state).toBe('exited');
      expect(engine.leftovers()).toEqual(worlds.expected.toSorted());
      worlds.owners.set('g42', ownerIn(living(gateway)));
      await engine.startContainer(found?.id ?? '');
      for (const thing of late.stopped)
        expect(await worlds.activities.ensureStopped(thing)).toBe('a record speaks for it now');
      expect((await engine.findContainer(container))?.state).toBe('running');
    }));

  it('counts what other deployments have on the engine, and reports what carries a part of our mark, or only such a name', () =>
    inWorld(1, async (worlds) => {
      await worlds.add('g1', 'is of another deployment');
      await worlds.world.engine.createVolume({ name: 'odd', labels: { 'creel.deployment': testDeployment } });
      await worlds.world.engine.createVolume({ name: 'oc-g7-7k3fq2-state', labels: {} });
      await worlds.world.engine.createVolume({ name: 'oc-of-somebody', labels: {} });
      const result = await worlds.sweep();
      expect(result.foreign).toEqual({ otherdeploy: everything.length });
      expect(result.reported.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
        'odd: it carries a part of our mark',
        expect.stringMatching(/^oc-g7-7k3fq2-state: .*carries no mark/),
      ]);
      expect(result).toMatchObject({ removed: [], stopped: [] });
      expect(worlds.world.engine.leftovers()).toContain('volume oc-g7-7k3fq2-state');
    }));

  it('carries, hands on and answers at most 256 KB, however much there is', () => {
    const engine = 'ABCD:'.repeat(12);
    const named = (index: number) => {
      const mark = {
        deployment: testDeployment,
        gateway: `g${String(index).padStart(29, '0')}`,
        birth: '7k3fq2',
        layout,
      };
      return {
        engine,
        kind: 'container' as const,
        name: `${names(mark).container}-trial`,
        gateway: mark.gateway,
        birth: mark.birth,
        state: false,
      };
    };
    const reason = `the record of g${'0'.repeat(29)} says that it stands on engine ${engine}: this may be a copy`;
    const page = (from: number) => {
      const things = Array.from({ length: sweepPageLength * 8 }, (_, index) => named(from + index));
      const report: Reported[] = things.map((each) => ({ ...each, reason, lost: false }));
      const remove: Gone[] = things.slice(0, 40).map((each) => ({ ...each, proof: reason }));
      return { things: things.length, lives: sweepPageLength, remove, report, foreign: {}, next: String(from) };
    };
    expect(jsonBytes({ ...page(0), remove: [] })).toBeLessThan(256 * 1024);
    const first = newSweep([{ engine, attended: true }], undefined);
    for (let index = 0; index < 16; index += 1) turnSweepPage(first, page(index * 1_000), 1, 1);
    const { memory } = sweepResult(first, false);
    expect(memory.reported).toHaveLength(sweepRemembers);
    const state = newSweep([{ engine, attended: true }], memory);
    for (let index = 0; index < 16; index += 1) turnSweepPage(state, page(index * 1_000), 1, 1);
    decideSweep(state, Infinity);
    expect(state.counts).toMatchObject({ remove: 640, report: 10_240 });
    expect(state.reported).toHaveLength(sweepNames);
    expect(jsonBytes(state)).toBeLessThan(256 * 1024);
    expect(jsonBytes(sweepResult(state, true))).toBeLessThan(256 * 1024);
  });

  it('knows its engines also where the one beside it is down, and leaves that one out when it is its turn', () =>
    inWorld(1, async (worlds) => {
      const { engine, world } = worlds;
      const known = [engine, 'engine-two'].map((each) => ({ engine: each, host: 'h', attended: true }));
      const activities = createActivities({ ...world.deps, machines: undefined, findEngines: async () => known });
      expect((await activities.findSwept()).engines.map((each) => each.engine)).toEqual([engine, 'engine-two']);
      world.engine.setDown(true);
      expect((await activities.findSwept()).engines.map((each) => each.engine)).toEqual([engine, 'engine-two']);
      await expect(activities.findUnowned({ engine, after: '', limit: 9 })).rejects.toThrow(/no engine answers/);
    }));

  it('hands on what it knew of an engine that it could not ask', () => {
    const memory = { inventory: { one: 7, two: 9 }, reported: [['a', 1]] as const };
    const state = newSweep(
      [
        { engine: 'one', attended: true },
        { engine: 'two', attended: false },
      ],
      memory,
    );
    turnSweepPage(state, { things: 21, lives: 7, remove: [], report: [], foreign: {} }, 2, 1);
    leaveOut(state, 'no worker stands beside it');
    decideSweep(state, undefined);
    const result = sweepResult(state, false);
    expect(result).toMatchObject({ outcome: 'done', unasked: [{ engine: 'two' }], memory });
  });
});
