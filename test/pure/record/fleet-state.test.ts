import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NoWorker } from '../../../src/client/failure.js';
import { seeEach } from '../../../src/client/fleet.js';
import { Refused } from '../../../src/domain/errors.js';
import {
  fleetId,
  fleetPlan,
  fleetRequestId,
  type Fleet,
  type FleetPage,
  type FleetPlan,
  type FleetSurvey,
  type Seen,
} from '../../../src/domain/fleet/fleet.js';
import { canaryFirst, fleetOf, nextTurns } from '../../../src/domain/fleet/order.js';
import { gatewaySpec } from '../../../src/domain/gateway/spec.js';
import type { FleetCounts, FleetEndKind } from '../../../src/wire/fleet.js';
import {
  beginFleet,
  endMember,
  fleetResult,
  fleetStatus,
  isFailure,
  isOver,
  newFleet,
  restoredFleet,
  stopFleet,
  surveyed,
  takeNext,
  turnPage,
  wantsPage,
  type FleetState,
} from '../../../src/workflows/fleet/state.js';

const place = { provider: 'local', host: 'local' } as const;
const plan: FleetPlan = { window: 5, maxFailed: 0.1, beginWithinMs: 60_000 };
const spec = gatewaySpec({
  release: '2026.9.6',
  dev: false,
  memoryMb: 2048,
  cpus: 2,
  keepStateMs: 0,
  parkMs: 0,
  channels: [],
  rotation: 'scheduled',
});

function fleet(size: number, out = 0, silent = 0): Fleet {
  const ids = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  return {
    members: ids('g', size).map((gateway) => ({ gateway, birth: 'aaaaaa', place })),
    leftOut: ids('out', out).map((gateway) => ({ gateway, reason: 'its spec says rotation: manual' })),
    silent: ids('mute', silent).map((gateway) => ({ gateway, reason: 'it does not answer' })),
  };
}

/** Takes whoever's turn it is. */
function fill(state: FleetState, over = plan): string[] {
  const taken: string[] = [];
  for (let next = takeNext(state, over, 0); next; next = takeNext(state, over, 0)) taken.push(next.gateway);
  return taken;
}

function end(state: FleetState, gateway: string, kind: FleetEndKind, over = plan): void {
  endMember(state, over, { gateway, end: kind, reason: '' });
}

type Event =
  | { readonly kind: 'take' | 'pause' | 'resume' | 'abort' | 'carry on' }
  | { readonly kind: 'end'; readonly which: number; readonly end: FleetEndKind };

const ends: FleetEndKind[] = ['done', 'failed', 'parked', 'withdrawn', 'refused', 'gone'];
const events = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Event>({ kind: 'take' }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('end' as const),
        which: fc.nat(),
        end: fc.constantFrom('done', ...ends),
      }),
    },
    { weight: 1, arbitrary: fc.constantFrom<Event>({ kind: 'pause' }, { kind: 'resume' }, { kind: 'carry on' }) },
    { weight: 1, arbitrary: fc.constantFrom<Event>({ kind: 'take' }, { kind: 'take' }, { kind: 'abort' }) },
  ),
  { maxLength: 80 },
);

function happen(state: FleetState, event: Event, over: FleetPlan): FleetState {
  if (event.kind === 'take') takeNext(state, over, 0);
  if (event.kind === 'pause' || event.kind === 'resume') state.paused = event.kind === 'pause';
  if (event.kind === 'abort') stopFleet(state, 'aborted', 'by hand');
  if (event.kind === 'carry on') return JSON.parse(JSON.stringify(state));
  if (event.kind === 'end') {
    const member = state.open[event.which % Math.max(1, state.open.length)];
    if (member) end(state, member.gateway, event.end, over);
  }
  return state;
}

describe('a run over the fleet', () => {
  test('whatever happens in whichever order, every gateway is named exactly once, and no limit is passed', () => {
    fc.assert(
      fc.property(
        fc.nat(25),
        fc.nat(3),
        fc.nat(3),
        fc.integer({ min: 1, max: 6 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        events,
        (size, out, silent, window, maxFailed, history) => {
          const over = { window, maxFailed, beginWithinMs: 1 };
          let state = beginFleet(fleet(size, out, silent), over);
          const all = fleetStatus('r', state);
          const names = [...all.waiting, ...all.ends.map(({ gateway }) => gateway)].toSorted();
          const check = () => {
            const { waiting, open, ends: ended } = fleetStatus('r', state);
            expect([...waiting, ...open, ...ended.map(({ gateway }) => gateway)].toSorted()).toEqual(names);
            const proved = ended.some((each) => each.end === 'done');
            expect(open.length).toBeLessThanOrEqual(proved ? window : 1);
            const failed = ended.filter((each) => isFailure(each.end)).length;
            if (failed > (size + silent) * maxFailed || (failed > silent && !proved))
              expect(state.stopped).toBeDefined();
            if (state.stopped) expect(waiting).toEqual([]);
          };
          for (const event of history) {
            state = happen(state, event, over);
            check();
          }
          state.paused = false;
          while (!isOver(state)) {
            fill(state, over);
            check();
            for (const { gateway } of state.open) end(state, gateway, 'done', over);
          }
          const result = fleetResult('r', state);
          expect(result.ends.map(({ gateway }) => gateway).toSorted()).toEqual(names);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('begins with one alone, then keeps its window full', () => {
    const state = beginFleet(fleet(9), plan);
    expect(fill(state)).toEqual(['g0']);
    end(state, 'g0', 'gone');
    expect(fill(state)).toEqual(['g1']);
    expect(fleetStatus('r', state).phase).toBe('canary');
    end(state, 'g1', 'done');
    expect(fill(state)).toEqual(['g2', 'g3', 'g4', 'g5', 'g6']);
    end(state, 'g4', 'done');
    expect(fill(state)).toEqual(['g7']);
    expect(fleetStatus('r', state)).toMatchObject({ phase: 'rotating', size: 9, waiting: ['g8'] });
  });

  test.each(['failed', 'parked', 'withdrawn', 'refused'] as const)(
    'whose first one is %s leaves the rest alone',
    (kind) => {
      const state = beginFleet(fleet(3), plan);
      fill(state);
      end(state, 'g0', kind, { ...plan, maxFailed: 1 });
      expect(fleetResult('r', state)).toMatchObject({
        outcome: 'stopped',
        reason: `the first one failed: g0: ${kind}`,
        ends: [
          { gateway: 'g0', end: kind },
          { gateway: 'g1', end: 'not begun' },
          { gateway: 'g2', end: 'not begun' },
        ],
      });
    },
  );

  test('stops at more failures than the share, not at as many; one that was removed is none', () => {
    const state = beginFleet(fleet(20), plan);
    fill(state);
    end(state, 'g0', 'done');
    fill(state);
    end(state, 'g1', 'parked');
    end(state, 'g2', 'withdrawn');
    end(state, 'g3', 'gone');
    expect(state.stopped).toBeUndefined();
    end(state, 'g4', 'refused');
    expect(state.stopped?.reason).toBe('3 of 20 failed, more than 10 %');
    expect(isOver(state)).toBe(false);
    end(state, 'g5', 'done');
    expect(isOver(state)).toBe(true);
  });

  test('counts who does not answer as failed, and begins with nobody when they are too many', () => {
    const state = beginFleet(fleet(18, 5, 2), plan);
    expect(fleetStatus('r', state)).toMatchObject({ phase: 'canary', size: 20 });
    expect(fill(state)).toEqual(['g0']);
    end(state, 'g0', 'done');
    fill(state);
    end(state, 'g1', 'failed');
    expect(state.stopped?.reason).toBe('3 of 20 failed, more than 10 %');
    const mute = beginFleet(fleet(17, 5, 3), plan);
    expect(fill(mute)).toEqual([]);
    expect(fleetResult('r', mute)).toMatchObject({ outcome: 'stopped', reason: '3 of 20 failed, more than 10 %' });
    expect(fleetResult('r', mute).ends).toContainEqual({
      gateway: 'mute0',
      end: 'failed',
      reason: 'it does not answer',
    });
  });

  test('that looked before silence was a failure goes on as it was', () => {
    const { members, leftOut } = fleet(1, 2);
    expect(beginFleet({ members, leftOut }, plan)).toMatchObject({ size: 1, ends: [{ end: 'left out' }, {}] });
  });

  test('paused lets nobody begin; what has begun comes to its end', () => {
    const state = beginFleet(fleet(2), plan);
    fill(state);
    state.paused = true;
    end(state, 'g0', 'done');
    expect(fill(state)).toEqual([]);
    expect(fleetStatus('r', state).phase).toBe('paused');
    state.paused = false;
    expect(fill(state)).toEqual(['g1']);
  });

  test('says by when each must begin, from when it was its turn', () => {
    expect(takeNext(beginFleet(fleet(1), plan), plan, 1_000)).toMatchObject({ latestStart: 61_000 });
  });

  test('keeps reasons short', () => {
    const state = beginFleet(fleet(1), plan);
    fill(state);
    endMember(state, plan, { gateway: 'g0', end: 'failed', reason: 'x'.repeat(5_000) });
    expect(state.ends[0]?.reason).toHaveLength(198);
  });

  test('over nobody is done', () => {
    expect(fleetResult('r', beginFleet(fleet(0, 2), plan))).toMatchObject({ outcome: 'done', ends: [{}, {}] });
  });
});

/** A fleet in the world while a run pages through it: gateways come and go, and some do not answer. */
class World {
  readonly living = new Set<string>();
  readonly mute = new Set<string>();
  readonly asked: string[] = [];

  look(after: string, limit: number): FleetPage {
    const { ids, ...rest } = nextTurns({ run: 'r', after, limit }, this.living);
    const members = ids.filter((id) => !this.mute.has(id)).map((gateway) => ({ gateway, birth: 'aaaaaa', place }));
    const silent = ids.filter((id) => this.mute.has(id)).map((gateway) => ({ gateway, reason: 'x'.repeat(5_000) }));
    return { members, leftOut: [], silent, ...rest };
  }

  survey(after: string, limit: number): FleetSurvey {
    const { members, leftOut, silent, ...rest } = this.look(after, limit);
    const [first] = members;
    return { ...rest, members: members.length, leftOut: leftOut.length, silent, ...(first && { first }) };
  }
}

/** Goes through the world to its end, one event after another; `meanwhile` happens between them. */
function play(
  world: World,
  over: FleetPlan,
  limit: number,
  meanwhile: (step: number, state: FleetState) => void,
): FleetState {
  let state = newFleet();
  for (let step = 0; !isOver(state); step += 1) {
    meanwhile(step, state);
    if (step % 100 === 0 || world.living.size < 100) {
      const carried = JSON.stringify(state);
      expect(carried.length).toBeLessThan(100 * 1024);
      state = restoredFleet(JSON.parse(carried));
    }
    if (state.look) surveyed(state, over, world.survey(state.look.after, limit));
    else if (wantsPage(state, over)) turnPage(state, over, world.look(state.pages?.after ?? '', limit));
    const proved = (state.counts?.done ?? 0) > 0;
    world.asked.push(...fill(state, over));
    expect(state.open.length).toBeLessThanOrEqual(proved ? over.window : 1);
    const next = state.open[step % Math.max(1, state.open.length)];
    if (next) end(state, next.gateway, world.living.has(next.gateway) ? 'done' : 'gone', over);
  }
  return state;
}

const total = (counts: FleetCounts = {}) => Object.values(counts).reduce((sum, count) => sum + count, 0);

describe('a run that pages through its fleet', () => {
  const numbers = fc.record({
    size: fc.nat(60),
    limit: fc.integer({ min: 1, max: 20 }),
    window: fc.integer({ min: 1, max: 6 }),
  });
  const comings = fc.array(fc.record({ step: fc.nat(80), comes: fc.boolean(), which: fc.nat(80) }), { maxLength: 12 });

  test('asks whoever stays exactly once, whoever comes at most once, and counts every one, whatever comes and goes', () => {
    fc.assert(
      fc.property(numbers, comings, ({ size, limit, window }, changes) => {
        const world = new World();
        for (let index = 0; index < size; index += 1) world.living.add(`g${index}`);
        const stay = [...world.living].filter((id) => !changes.some(({ which }) => id === `g${which}`));
        const over = { window, maxFailed: 1, beginWithinMs: 1 };
        const state = play(world, over, limit, (step) => {
          for (const { comes, which } of changes.filter((each) => each.step === step))
            if (comes) world.living.add(`g${which}`);
            else world.living.delete(`g${which}`);
        });
        expect(new Set(world.asked).size).toBe(world.asked.length);
        for (const id of stay) expect(world.asked).toContain(id);
        expect(total(state.counts)).toBe(world.asked.length);
        const { size: looked, change } = fleetStatus('r', state);
        expect(change === undefined).toBe(looked === world.asked.length);
      }),
      { numRuns: 100 },
    );
  });

  test('of 3,000 keeps its state, its status and its result small, and names those that failed', () => {
    const world = new World();
    for (let index = 0; index < 3_000; index += 1) world.living.add(`gateway-with-a-long-name-${index}`);
    for (const id of [...world.living].filter((_, index) => index % 20 === 0)) world.mute.add(id);
    const state = play(world, { ...plan, window: 20 }, 200, () => undefined);
    expect(state.counts).toEqual({ done: 2_850, failed: 150 });
    const result = fleetResult('r', state);
    expect(result).toMatchObject({ outcome: 'done', size: 3_000 });
    expect(result.ends.filter((each) => each.end === 'failed')).toHaveLength(150);
    expect(JSON.stringify(result).length).toBeLessThan(100 * 1024);
    expect(JSON.stringify(fleetStatus('r', state)).length).toBeLessThan(100 * 1024);
    expect(new Set(world.asked).size).toBe(2_850);
  });

  test('goes in an order of its own, the first that is ready before all', () => {
    const world = new World();
    for (let index = 0; index < 30; index += 1) world.living.add(`g${index}`);
    world.mute.add('g0');
    const over = { ...plan, maxFailed: 0.5 };
    const once = play(world, over, 4, () => undefined);
    expect(once.counts).toEqual({ done: 29, failed: 1 });
    expect(world.asked).not.toEqual([...world.living].filter((id) => id !== 'g0'));
    const again = nextTurns({ run: 'other', after: '', limit: 30 }, world.living);
    expect(again.ids).not.toEqual(world.asked);
    expect(again.ids.toSorted()).toEqual([...world.living].toSorted());
  });

  test('aborted while it looks, or between its pages, begins with nobody else and counts whoever was not met', () => {
    for (const when of ['look', 'pages'] as const) {
      const world = new World();
      for (let index = 0; index < 30; index += 1) world.living.add(`g${index}`);
      const state = play(world, { ...plan, window: 2 }, 7, (_step, at) => {
        if (at[when] && (when === 'look' || world.asked.length > 10)) stopFleet(at, 'aborted', 'by hand');
      });
      expect(fleetResult('r', state)).toMatchObject({ outcome: 'aborted', reason: 'by hand' });
      if (when === 'look') expect(world.asked).toEqual([]);
      else expect(total(state.counts)).toBe(30);
      expect(state.counts?.['not begun'] ?? 0).toBe(when === 'look' ? 0 : 30 - world.asked.length);
    }
  });

  test('begins with nobody when too many do not answer', () => {
    const world = new World();
    for (let index = 0; index < 20; index += 1) world.living.add(`g${index}`);
    for (let index = 0; index < 3; index += 1) world.mute.add(`g${index}`);
    const state = play(world, plan, 5, () => undefined);
    expect(fleetResult('r', state)).toMatchObject({ outcome: 'stopped', reason: '3 of 20 failed, more than 10 %' });
    expect(world.asked).toEqual([]);
    expect(state.counts).toEqual({ failed: 3, 'not begun': 17 });
  });

  test('paused turns no page', () => {
    const state = newFleet();
    surveyed(state, plan, { members: 3, leftOut: 0, silent: [] });
    expect(wantsPage(state, plan)).toBe(true);
    state.paused = true;
    expect(wantsPage(state, plan)).toBe(false);
    expect(fleetStatus('r', state)).toMatchObject({ phase: 'paused', ahead: 3 });
  });

  test('that an older version carried goes on with its whole fleet, and counts what had ended', () => {
    const old = {
      version: 1,
      size: 3,
      waiting: fleet(2).members,
      open: [],
      paused: false,
      ends: [{ gateway: 'x', end: 'done', reason: '' }],
    };
    const state = restoredFleet(JSON.parse(JSON.stringify(old)));
    expect(fill(state)).toEqual(['g0', 'g1']);
    end(state, 'g0', 'done');
    end(state, 'g1', 'failed', { ...plan, maxFailed: 1 });
    expect(fleetResult('r', state)).toMatchObject({ outcome: 'done', counts: { done: 2, failed: 1 } });
  });
});

describe('who takes part', () => {
  const seen = (gateway: string, phase = 'ready', over: object = {}): [string, Exclude<Seen, string | undefined>] => {
    const mark = { deployment: 'abcdefghij', gateway, birth: 'aaaaaa', layout: 1 };
    const life = { mark, place, spec: { ...spec, ...over }, tokenGeneration: 1, deviceGeneration: 1 };
    return [gateway, { phase, life, removing: false }];
  };
  const { rotation: _rotation, ...manual } = spec;

  test('is every gateway that lives and is rotated by schedule; the rest is named with the reason', () => {
    const [, told] = seen('leaving');
    const [, hand] = seen('hand');
    const { members, leftOut, silent } = fleetOf(
      'r',
      new Map<string, Seen>([
        seen('a'),
        seen('stuck', 'parked'),
        ['gone', undefined],
        seen('was', 'removed'),
        ['leaving', { ...told, removing: true }],
        ['hand', { ...hand, life: hand.life && { ...hand.life, spec: manual } }],
        ['mute', 'silent'],
      ]),
    );
    expect(members.map(({ gateway }) => gateway).toSorted()).toEqual(['a', 'stuck']);
    expect(leftOut).toEqual([
      { gateway: 'gone', reason: 'nothing of it is on record' },
      { gateway: 'hand', reason: 'its spec says rotation: manual' },
      { gateway: 'leaving', reason: 'it is being removed' },
      { gateway: 'was', reason: 'it is removed' },
    ]);
    expect(silent).toEqual([{ gateway: 'mute', reason: 'it does not answer: see its run in the Temporal UI' }]);
  });

  test('of a change of the key is every gateway that lives and has another, whatever its schedule', () => {
    const [, told] = seen('moved');
    const [, hand] = seen('hand');
    const { members, leftOut } = fleetOf(
      'r',
      new Map<string, Seen>([
        seen('a'),
        ['hand', { ...hand, life: hand.life && { ...hand.life, spec: manual } }],
        ['moved', { ...told, life: told.life && { ...told.life, keyId: '195e998a' } }],
        ['kept', { ...told, phase: 'removed', stateKeptUntil: 'tomorrow' }],
      ]),
      '195e998a',
    );
    expect(members.map(({ gateway }) => gateway).toSorted()).toEqual(['a', 'hand']);
    expect(leftOut).toEqual([
      { gateway: 'kept', reason: 'it is removed, its state is kept' },
      { gateway: 'moved', reason: 'it is derived from key 195e998a already' },
    ]);
  });

  test('goes in an order that the run decides, not the alphabet, and begins with one that is ready', () => {
    const ids = Array.from({ length: 30 }, (_, index) => `g${index}`);
    const order = (run: string, phases: Record<string, string> = {}) => {
      const told = new Map(ids.map((id) => seen(id, phases[id] ?? 'ready')));
      return canaryFirst(fleetOf(run, told), told).members.map(({ gateway }) => gateway);
    };
    expect(order('one')).toEqual(order('one'));
    expect(order('one')).not.toEqual(order('two'));
    expect(order('one')).not.toEqual(ids);
    const first = order('one')[0] ?? '';
    const changed = order('one', { [first]: 'parked' });
    expect(changed[0]).not.toBe(first);
    expect(changed.toSorted()).toEqual(ids.toSorted());
  });

  test('is asked under one request id for each run and gateway', () => {
    expect(fleetRequestId('2026-11', 'g42')).toBe('fleet-2026-11-g42');
  });
});

describe('a gateway that does not answer', () => {
  const told: Seen = { phase: 'ready', life: undefined, removing: false };

  test('is asked again, it alone', async () => {
    const asked: string[] = [];
    const seen = await seeEach(['a', 'slow', 'mute'], async (id) => {
      asked.push(id);
      const again = asked.filter((each) => each === id).length > 1;
      return id === 'a' || (id === 'slow' && again) ? told : 'silent';
    });
    expect([...seen]).toEqual([
      ['a', told],
      ['slow', told],
      ['mute', 'silent'],
    ]);
    expect(asked).toEqual(['a', 'slow', 'mute', 'slow', 'mute', 'mute']);
  });

  test('is not asked again when nobody answers: then no worker does', async () => {
    let asked = 0;
    const silence = async (): Promise<Seen> => {
      asked += 1;
      return 'silent';
    };
    await expect(seeEach(['a', 'b'], silence)).rejects.toThrow(NoWorker);
    expect(asked).toBe(2);
  });
});

describe('a plan', () => {
  test('is taken as given', () => {
    expect(fleetPlan({ window: 5, maxFailed: 0.1, beginWithinMs: 1 })).toEqual({ ...plan, beginWithinMs: 1 });
  });

  test.each([
    undefined,
    {},
    { ...plan, window: 0 },
    { ...plan, window: 1.5 },
    { ...plan, window: 21 },
    { ...plan, maxFailed: 1.1 },
    { ...plan, maxFailed: NaN },
    { ...plan, beginWithinMs: 0 },
  ])('%j is refused', (raw) => {
    expect(() => fleetPlan(raw)).toThrow(Refused);
  });

  test.each(['', 'A', 'a/b', '-a', 'x'.repeat(41), 7])('a run called %j is refused', (raw) => {
    expect(() => fleetId(raw)).toThrow(Refused);
  });
});
