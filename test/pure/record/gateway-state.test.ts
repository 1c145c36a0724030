import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Refused } from '../../../src/domain/errors.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import type { GatewaySpec } from '../../../src/domain/gateway/spec.js';
import type { Replacement } from '../../../src/domain/changes/replacement.js';
import type { Shelf } from '../../../src/domain/gateway/shelf.js';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { checkRequest } from '../../../src/workflows/entity/check.js';
import { carry, type CarriedState } from '../../../src/workflows/record/carried-state.js';
import { readState } from '../../../src/workflows/record/read-state.js';
import { changeIn, isRemoval, type Begun } from '../../../src/workflows/record/queued.js';
import {
  answeredTo,
  emptyState,
  expireState,
  forgetOld,
  hasLeft,
  isAlive,
  isRemoving,
  type GatewayState,
} from '../../../src/workflows/record/state.js';
import {
  beginOperation,
  endOperation,
  loseOperation,
  operationSteps,
  oweAfter,
  renumber,
} from '../../../src/workflows/entity/begin-end.js';
import { heldMs } from '../../../src/workflows/record/unsettled.js';
import { letGo } from '../../../src/workflows/entity/owed.js';
import { isReplacement } from '../../../src/workflows/replace/operation.js';
import { withdraw } from '../../../src/workflows/record/standing.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import type { OperationKind, OperationOutcome, OperationResult } from '../../../src/wire/operation.js';
import type { Accepted, ProvisionRequest, RemoveRequest, Request } from '../../../src/wire/requests.js';
import { provisionSteps, stateStep } from '../../../src/workflows/provision/operation.js';
import { replacementOwns } from '../../../src/workflows/replace/operation.js';
import { registry } from '../../../src/workflows/operations.js';

const place = { provider: 'local', host: 'local' } as const;
const keepStateMs = 3_600_000;
const keeping: GatewaySpec = {
  release: '2026.9.6',
  dev: false,
  memoryMb: 2048,
  cpus: 2,
  keepStateMs,
  parkMs: 0,
  channels: [],
};
/** Ten hours, so that a history can outlive a request. */
const limits = { ...defaultLimits, forgetAfterMs: 10 * keepStateMs };
const births = ['aaaaaa', 'bbbbbb', 'cccccc'] as const;

function provision(requestId: string, over: Partial<ProvisionRequest> = {}): ProvisionRequest {
  return { kind: 'provision', requestId, origin: 'test', spec: keeping, place, birth: births[0], how: 'new', ...over };
}

function remove(requestId: string, over: Partial<RemoveRequest> = {}): RemoveRequest {
  return { kind: 'remove', requestId, origin: 'test', purge: false, place, ...over };
}

/** An entity without Temporal around it: the state, a clock, and what happened to it. */
class Entity {
  state = emptyState(1, 1_000);
  now = 1_000;
  /** Numbers of operations that began, in their order. */
  readonly begun: number[] = [];

  ask(request: Request): Accepted {
    checkRequest(this.state, request, limits);
    return acceptRequest(this.state, request, 'abcdefghij', 'g42', this.now);
  }

  begin(): Begun | undefined {
    if (this.state.running) return undefined;
    this.state.newRun = false;
    const next = beginOperation(this.state, this.now);
    if (next) this.begun.push(next.number);
    return next;
  }

  /** The running operation ends as the saga would end it. */
  end(outcome: OperationOutcome): OperationResult | undefined {
    const { running } = this.state;
    if (!running) return undefined;
    const steps = operationSteps(this.state, running);
    const result = resultOf(this.state, running, steps, outcome);
    endOperation(this.state, running, result, this.now);
    oweAfter(this.state, running, result, this.now);
    return result;
  }

  lose(): void {
    const { running } = this.state;
    if (running) loseOperation(this.state, running, 'terminated by hand', limits, this.now);
  }

  pass(ms: number): void {
    this.now += ms;
    expireState(this.state, this.now);
    letGo(this.state, this.now);
    forgetOld(this.state, limits, this.now);
  }

  run(outcome: OperationOutcome): void {
    this.begin();
    this.end(outcome);
  }
}

/** What a take-up of the tests finds in force. */
const foundGeneration = 7;

function resultOf(
  state: GatewayState,
  operation: Begun,
  steps: readonly string[],
  outcome: OperationOutcome,
): OperationResult {
  const { kind, number } = operation;
  const change = changeIn(operation);
  const removed = kind === 'remove' || kind === 'purge' || outcome === 'undone' || outcome === 'left';
  const reason = outcome === 'done' ? '' : `ended ${outcome}`;
  const before = change ? [] : (state.life?.entered ?? []).map(({ step }) => step);
  const vain = kind === 'take-up' && outcome === 'stopped' && number % 2 === 0;
  if (vain) return { outcome, reason, record: undefined, entered: [], skipped: [], left: [] };
  const undone = steps.filter((step) => registry[step]?.undo);
  const aside = undone.filter((step) => step === 'set aside'); // without it, the previous gateway is back
  const left = outcome === 'left' ? [...undone.slice(0, 1), ...aside] : [];
  const takes = kind === 'way-back' && outcome !== 'stopped';
  const entered = takes
    ? steps.filter((step) => left.includes(step) || !undone.includes(step))
    : removed
      ? [...new Set([...before, ...(kind === 'provision' || change ? steps : [])])].filter(
          (step) => left.includes(step) || !undone.includes(step),
        )
      : [...new Set([...before, ...steps])];
  return {
    outcome,
    reason,
    record: undefined,
    entered: entered.map((step) => ({ step, unsettledUntil: 0 })),
    skipped: outcome === 'degraded' ? ['probe channels'] : [],
    left: left.map((step) => ({ step, kind: 'Refused', reason: 'the engine says no' })),
    tokenGeneration: kind === 'take-up' ? foundGeneration : (state.life?.gateway.tokenGeneration ?? 1),
  };
}

describe('requests', () => {
  test('the same request twice is one operation, whatever birth and origin the second proposes', () => {
    const entity = new Entity();
    const first = entity.ask(provision('r1'));
    expect(entity.ask(provision('r1', { birth: births[1], origin: 'somebody else' }))).toEqual(first);
    expect(entity.state.queue).toHaveLength(1);
  });

  test('the same id with another content is refused, also after the gateway is gone', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    const other = provision('r1', { spec: { ...keeping, cpus: 1 } });
    expect(() => entity.ask(other)).toThrow(Refused);
    entity.run('undone');
    expect(() => entity.ask(other)).toThrow(/another content/);
    expect(entity.ask(provision('r1'))).toMatchObject({ operation: 1, state: 'undone' });
  });

  test('the same spec with a new request repairs; requests that wait share one repair', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.run('done');
    const repairs = ['r2', 'r3', 'r4'].map((requestId) => entity.ask(provision(requestId, { birth: births[1] })));
    expect(repairs.map(({ kind, operation, birth }) => [kind, operation, birth])).toEqual(
      repairs.map(() => ['repair', 2, births[0]]),
    );
  });

  test('another spec is refused, saying what differs as it is written, and the commands that make it so', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    const ask = (over: Partial<GatewaySpec>) => () => entity.ask(provision('r2', { spec: { ...keeping, ...over } }));
    expect(ask({ cpus: 4 })).toThrow(/cpus: has 2, asked 4\)\. To make it so: `creel change g42 --cpus 4`\./);
    expect(ask({ release: '2026.9.7' })).toThrow(/so: `creel upgrade g42 --release 2026.9.7`\./);
    expect(ask({ release: '2026.9.7', memoryMb: 4096, parkMs: 5_400_000 })).toThrow(
      /memory: has "2 GB", asked "4 GB"; park_for: has "0", asked "90 minutes"\).*2026\.9\.7`, then `creel change g42 --memory "4 GB" --park-for "90 minutes"`/,
    );
    expect(ask({ release: '2026.9.7', dev: true })).toThrow('`creel upgrade g42 --release 2026.9.7 --dev`');
    expect(ask({ dev: true })).toThrow('dev changes with its release alone');
    const allowFrom = ['1', '2', '3', '4', '5', '6', '7'];
    const channels = [{ kind: 'telegram', secrets: { botToken: 'secret:t' }, allowFrom }] as const;
    expect(ask({ channels })).toThrow(
      /channels: has none, asked telegram \(bot_token = "secret:t", allow_from = \["1", "2", "3", "4", "5", 2 more\]\).*`creel change g42 --channels gateway\.toml`/,
    );
  });

  test('a default that is written out is no other spec', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.run('done');
    const spec = { ...keeping, keepFormerMs: 7 * 24 * 3_600_000 };
    expect(entity.ask(provision('r2', { spec }))).toMatchObject({ kind: 'repair' });
  });

  test.each(['', 'x'.repeat(201), undefined, 7])('the request id %j is refused', (requestId) => {
    const asked: unknown = { ...provision('r1'), requestId };
    expect(() => checkRequest(emptyState(1, 0), asked as Request, limits)).toThrow('1 to 200 characters');
  });

  test('a request of no kind of ours is refused', () => {
    const asked: unknown = { ...provision('r1'), kind: 'upgrade' };
    expect(() => checkRequest(emptyState(1, 0), asked as Request, limits)).toThrow(Refused);
  });

  test('a queue that is full takes nothing more, but still answers what it knows', () => {
    const entity = new Entity();
    const first = entity.ask(provision('r1'));
    const full = { ...limits, queueLength: 1 };
    expect(() => checkRequest(entity.state, provision('r2'), full)).toThrow(
      /1 operations wait already.*creel describe/,
    );
    expect(() => checkRequest(entity.state, provision('r1'), full)).not.toThrow();
    expect(entity.ask(provision('r1'))).toEqual(first);
  });

  test('an old request is answered with what carried it out, however much happened since', () => {
    const entity = new Entity();
    entity.ask(provision('first'));
    entity.run('done');
    entity.ask(remove('gone'));
    entity.run('done');
    const [first, gone] = [entity.ask(provision('first')), entity.ask(remove('gone'))];
    entity.ask(provision('back', { how: 'restore' }));
    entity.run('done');
    for (let index = 0; index < 30; index += 1) {
      entity.ask(provision(`again-${index}`));
      entity.run('done');
    }
    expect(entity.ask(provision('first'))).toEqual(first);
    expect(entity.ask(remove('gone'))).toEqual(gone);
  });
});

describe('a removal', () => {
  test('takes back what waits, and is one with another that waits', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.begin();
    const repair = entity.ask(provision('r2'));
    const removal = entity.ask(remove('r3'));
    expect(entity.ask(provision('r2'))).toMatchObject({ operation: repair.operation, state: 'withdrawn' });
    expect(entity.ask(remove('r4')).operation).toBe(removal.operation);
    expect(entity.ask(remove('r5', { purge: true })).operation).toBe(removal.operation + 1);
    expect(() => entity.ask(provision('r6'))).toThrow('being removed');
  });

  test('keeps the state as long as the spec says, then lets it go', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.run('done');
    entity.ask(remove('r2'));
    entity.run('done');
    expect(entity.state).toMatchObject({ phase: 'removed', life: { stateKeptUntil: entity.now + keepStateMs } });
    entity.pass(keepStateMs - 1);
    expect(entity.state.queue).toEqual([]);
    entity.pass(1);
    entity.pass(1);
    expect(entity.state.queue).toMatchObject([{ kind: 'purge', purge: true }]);
    entity.run('done');
    expect(entity.state).toMatchObject({ phase: 'removed', life: { stateKeptUntil: 0 } });
  });

  test('while state is kept a plain provision is refused, naming both ways on; a restore keeps the birth', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.run('done');
    entity.ask(remove('r2'));
    entity.run('done');
    expect(() => entity.ask(provision('r3'))).toThrow(/--restore.*--purge/);
    expect(entity.ask(provision('r4', { how: 'restore', birth: births[1] }))).toMatchObject({
      kind: 'restore',
      birth: births[0],
    });
  });

  test('of a life whose record was lost is of exactly that life, also beside the tombstone of another', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.run('undone');
    const removal = entity.ask(remove('r2', { birth: births[1], purge: true }));
    expect(removal).toMatchObject({ birth: births[1], kind: 'remove' });
    entity.begin();
    expect(entity.state.life?.gateway.mark.birth).toBe(births[1]);
    expect(operationSteps(entity.state, { number: 2, kind: 'remove', purge: true })).toEqual([
      ...provisionSteps,
      ...replacementOwns,
    ]);
  });

  test('that had to leave something is gone on with before anything else: another life would forget it', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.run('done');
    entity.ask(remove('r2'));
    entity.run('left');
    for (const how of ['new', 'restore'] as const)
      expect(() => entity.ask(provision('r3', { how, birth: births[1] }))).toThrow(/left is .*creel remove g42/);
    expect(() => entity.ask(remove('r3', { birth: births[1], purge: true }))).toThrow(/left is .*creel remove g42/);
    entity.ask(remove('r4'));
    entity.run('done');
    expect(entity.state.life).toMatchObject({ left: [], stateKeptUntil: entity.now + keepStateMs });
  });

  test('keeps state that only its own release takes up', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.run('done');
    entity.ask(remove('r2'));
    entity.run('done');
    const newer = { ...keeping, release: '2026.9.7' };
    expect(() => entity.ask(provision('r3', { how: 'restore', spec: newer }))).toThrow('--release 2026.9.6');
    expect(entity.ask(provision('r4', { how: 'restore', spec: { ...keeping, cpus: 1 } })).kind).toBe('restore');
  });

  test('that names another life than the one whose state is kept is refused, and nothing of it goes', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.run('done');
    entity.ask(remove('r2'));
    entity.run('done');
    expect(() => entity.ask(remove('r3', { birth: births[1], purge: true }))).toThrow(`birth ${births[0]}`);
    expect(entity.ask(remove('r4', { birth: births[0], purge: true }))).toMatchObject({
      kind: 'purge',
      birth: births[0],
    });
  });

  test('that was terminated is done again; so is one of a provision that was', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.begin();
    entity.lose();
    expect(entity.state.queue).toMatchObject([{ kind: 'remove', purge: true }]);
    entity.begin();
    entity.lose();
    expect(entity.state.queue).toMatchObject([{ kind: 'remove', purge: true }]);
    expect(entity.state.life?.entered.every(({ unsettledUntil }) => unsettledUntil > entity.now)).toBe(true);
  });
});

describe('a take-up that never got to its life', () => {
  function vain(...between: Request[]): Entity {
    const entity = new Entity();
    entity.ask(provision('r0'));
    entity.run('undone');
    entity.ask(provision('r1', { how: 'take up', birth: births[1] }));
    entity.begin();
    for (const request of between) entity.ask(request);
    entity.end('stopped');
    return entity;
  }

  test('holds nothing of it', () => {
    expect(vain().state).toMatchObject({ life: undefined, phase: 'none', queue: [] });
  });

  test('leaves a removal that waits for it everything to go over', () => {
    const { state } = vain(remove('r2'));
    expect(state).toMatchObject({ life: { gateway: { mark: { birth: births[1] } } }, queue: [{ kind: 'remove' }] });
    expect(state.life?.entered.map(({ step }) => step)).toEqual([...provisionSteps, ...replacementOwns]);
  });
});

test('a request that waited long is remembered as long after its end as any other', () => {
  const entity = new Entity();
  entity.ask(provision('r1'));
  const asked: Request = { kind: 'rotate', requestId: 'r2', origin: 'test', place, reclaim: false, evict: false };
  entity.ask(asked);
  entity.pass(2 * limits.forgetAfterMs);
  entity.ask(remove('r3'));
  entity.pass(limits.forgetAfterMs - 1);
  expect(entity.ask(asked).state).toBe('withdrawn');
  entity.pass(1);
  expect(answeredTo(entity.state, 'r2')).toBeUndefined();
});

describe('a birth', () => {
  test('that an earlier life had begins no new one: its tokens count from 1 again, and one that is out of force would be in force', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.run('done');
    entity.ask({ kind: 'rotate', requestId: 'r2', origin: 'test', place, reclaim: false, evict: false });
    entity.run('done');
    entity.ask(remove('r3', { purge: true }));
    entity.run('done');
    entity.pass(limits.forgetAfterMs);
    expect(() => entity.ask(provision('r1'))).toThrow(
      /birth aaaaaa was that of an earlier life of g42.*new request id/,
    );
    expect(entity.ask(provision('r4', { birth: births[1] }))).toMatchObject({ kind: 'provision', birth: births[1] });
    entity.run('undone');
    expect(() => entity.ask(provision('r5'))).toThrow(/birth aaaaaa was that of an earlier life/);
  });
});

describe('a life that ended', () => {
  test('takes the repairs with it that waited for it: there is nothing left to repair', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.begin();
    entity.ask(provision('r2'));
    entity.end('undone');
    expect(entity.state).toMatchObject({ phase: 'removed', queue: [] });
    expect(entity.ask(provision('r2')).state).toBe('withdrawn');
    expect(entity.ask(provision('r3', { birth: births[1] }))).toMatchObject({ kind: 'provision', birth: births[1] });
  });

  test('is followed by the next one in a run of its own, and numbers go on', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.run('undone');
    expect(entity.ask(provision('r2', { birth: births[1] })).operation).toBe(2);
    expect(entity.state).toMatchObject({ newRun: true, life: { entered: [], record: undefined } });
  });

  test('of which an undo may still land: another life begins at once, the same one waits, and its removal does not', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.run('left');
    if (entity.state.life) entity.state.life.unsettledUntil = entity.now + 100_000;
    entity.ask(provision('r2', { how: 'take up' }));
    expect(heldMs(entity.state, entity.now + 40_000)).toBe(60_000);
    entity.ask(remove('r3'));
    expect(heldMs(entity.state, entity.now)).toBe(0);
    entity.run('done');
    entity.ask(provision('r4', { birth: births[1] }));
    expect(heldMs(entity.state, entity.now)).toBe(0);
  });
});

test('a pairing is told when it begins whom creel had let in by then', () => {
  const entity = new Entity();
  entity.ask(provision('r1'));
  entity.run('done');
  const wish = { kind: 'pair', role: 'operator', scopes: [], waitMs: 60_000, origin: 'test', place } as const;
  entity.ask({ ...wish, wanted: { deviceId }, requestId: 'r2' });
  const first = entity.begin();
  expect(first && changeIn(first)).not.toHaveProperty('approved');
  entity.end('done');
  if (entity.state.life) entity.state.life.approved = [deviceId];
  entity.ask({ ...wish, wanted: { name: 'Kitchen' }, requestId: 'r3' });
  const second = entity.begin();
  expect(second && changeIn(second)).toMatchObject({ since: entity.now, approved: [deviceId] });
});

describe('a rotation', () => {
  const rotate = (requestId: string): Request => ({
    kind: 'rotate',
    requestId,
    origin: 'test',
    place,
    reclaim: false,
    evict: false,
  });

  test('burns a generation that no later one uses, whatever became of it', () => {
    const entity = new Entity();
    entity.ask(provision('r1'));
    entity.run('done');
    const used = (['undone', 'left', 'done', 'undone', 'done'] as const).map((outcome, index) => {
      entity.ask(rotate(`r${index + 2}`));
      const begun = entity.begin();
      const change = begun && changeIn(begun);
      entity.end(outcome);
      return change?.kind === 'rotate' ? change.nextTokenGeneration : 0;
    });
    expect(used).toEqual([2, 3, 4, 5, 6]);
    expect(entity.state.life?.gateway.tokenGeneration).toBe(6);
  });
});

type Action =
  | { readonly do: 'ask'; readonly request: Request }
  | { readonly do: 'begin' | 'lose' | 'renumber' | 'carry' }
  | { readonly do: 'end'; readonly outcome: OperationOutcome }
  | { readonly do: 'withdraw'; readonly requestId: string }
  | { readonly do: 'pass'; readonly ms: number };

const outcomes: Record<OperationKind, readonly OperationOutcome[]> = {
  provision: ['done', 'degraded', 'undone', 'left'],
  repair: ['done', 'degraded', 'stopped'],
  restore: ['done', 'degraded', 'stopped'],
  'take-up': ['done', 'degraded', 'stopped'],
  remove: ['done', 'left'],
  purge: ['done', 'left'],
  rotate: ['done', 'undone', 'left', 'stopped'],
  pair: ['done', 'undone', 'left', 'stopped'],
  deny: ['done', 'undone', 'stopped'],
  unpair: ['done', 'undone', 'stopped'],
  upgrade: ['done', 'undone', 'left', 'stopped'],
  rollback: ['done', 'undone', 'left', 'stopped'],
  change: ['done', 'undone', 'left', 'stopped'],
  'drop-snapshot': ['done', 'undone', 'stopped'],
  'way-back': ['done', 'left', 'stopped'],
  'pair-sender': ['done', 'undone', 'left', 'stopped'],
  'unpair-sender': ['done', 'undone', 'stopped'],
  suspend: ['done', 'undone', 'left', 'stopped'],
  resume: ['done', 'degraded', 'stopped'],
};

const requestIds = fc.integer({ min: 1, max: 16 }).map((number) => `r${number}`);
const specs = fc.constantFrom(keeping, { ...keeping, keepStateMs: 0 }, { ...keeping, release: '2026.9.7' });

const provisions: fc.Arbitrary<Request> = fc.record({
  kind: fc.constant('provision' as const),
  requestId: requestIds,
  origin: fc.constant('test'),
  spec: specs,
  place: fc.constant(place),
  birth: fc.constantFrom(...births),
  how: fc.constantFrom('new' as const, 'new' as const, 'restore' as const, 'take up' as const),
});

const removals: fc.Arbitrary<Request> = fc
  .record({
    requestId: requestIds,
    purge: fc.boolean(),
    birth: fc.option(fc.constantFrom(...births), { nil: undefined }),
  })
  .map(({ requestId, purge, birth }) => remove(requestId, { purge, ...(birth !== undefined && { birth }) }));

const rotations: fc.Arbitrary<Request> = fc.record({
  kind: fc.constant('rotate' as const),
  requestId: requestIds,
  origin: fc.constant('test'),
  place: fc.constant(place),
  reclaim: fc.boolean(),
  evict: fc.boolean(),
});

const asked = { requestId: requestIds, origin: fc.constant('test'), place: fc.constant(place) };
const deviceId = 'd'.repeat(64);

const others: fc.Arbitrary<Request> = fc.oneof(
  fc.record({
    kind: fc.constant('pair' as const),
    ...asked,
    wanted: fc.constant({ deviceId }),
    role: fc.constant('operator'),
    scopes: fc.constant([]),
    waitMs: fc.constant(60_000),
  }),
  fc.record({ kind: fc.constant('unpair' as const), ...asked, deviceId: fc.constant(deviceId) }),
  fc.record({ kind: fc.constant('pair-sender' as const), ...asked, code: fc.constant('Z6JHW56J') }),
  fc.record({ kind: fc.constant('unpair-sender' as const), ...asked, sender: fc.constant('5550001') }),
  fc.record({ kind: fc.constantFrom('suspend' as const, 'resume' as const), ...asked }),
  fc.record({
    kind: fc.constant('upgrade' as const),
    ...asked,
    release: fc.constantFrom('2026.9.6', '2026.9.7', '2026.9.8'),
    dev: fc.constant(false),
    retryFailed: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('rollback' as const), ...asked }),
  fc.record({ kind: fc.constant('change' as const), ...asked, memoryMb: fc.constantFrom(2048, 4096) }),
  fc.record({ kind: fc.constant('change' as const), ...asked, channels: fc.constant([]) }),
  fc.record({ kind: fc.constant('change' as const), ...asked, rotation: fc.constantFrom('manual', 'scheduled') }),
);

const requests = fc.oneof(
  { weight: 2, arbitrary: provisions },
  { weight: 1, arbitrary: removals },
  { weight: 3, arbitrary: rotations },
  { weight: 3, arbitrary: others },
);

const actions: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: requests.map((request): Action => ({ do: 'ask', request })) },
  { weight: 4, arbitrary: fc.constant<Action>({ do: 'begin' }) },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom<OperationOutcome>('done', 'done', 'done', 'degraded', 'undone', 'left', 'stopped')
      .map((outcome): Action => ({ do: 'end', outcome })),
  },
  { weight: 1, arbitrary: requestIds.map((requestId): Action => ({ do: 'withdraw', requestId })) },
  { weight: 1, arbitrary: fc.constantFrom<Action>({ do: 'lose' }, { do: 'renumber' }, { do: 'carry' }) },
  { weight: 1, arbitrary: fc.constantFrom(1, keepStateMs, 20 * keepStateMs).map((ms): Action => ({ do: 'pass', ms })) },
);

/**
 * The same operations one after the other, as the world would see them: which token is in force. Whatever is asked meanwhile,
 * is lost or withdrawn, the record must say what this says.
 */
class Serial {
  #birth = '';
  #generation = 1;
  #highest = 1;

  begin({ life }: GatewayState, operation: Begun): void {
    const { kind } = operation;
    const change = changeIn(operation);
    const on = life?.gateway;
    // What a life that was lost had burned is known when its take-up ends, whosever birth it is.
    if (on && (on.mark.birth !== this.#birth || kind === 'take-up')) {
      this.#birth = on.mark.birth;
      this.#generation = on.tokenGeneration;
      this.#highest = on.tokenGeneration;
    }
    if (kind !== 'rotate' || change?.kind !== 'rotate') return; // A way back goes from a generation that is burned already.
    expect(change.nextTokenGeneration, 'a burned generation is used again').toBeGreaterThan(this.#highest);
    this.#highest = change.nextTokenGeneration;
  }

  end(operation: Begun, { outcome, tokenGeneration }: OperationResult, state: GatewayState): void {
    const { kind } = operation;
    const change = changeIn(operation);
    if (kind === 'rotate' && change?.kind === 'rotate' && outcome === 'done')
      this.#generation = change.nextTokenGeneration;
    if (kind === 'take-up' && tokenGeneration !== undefined) {
      this.#generation = foundGeneration;
      this.#highest = Math.max(this.#highest, foundGeneration);
    }
    this.holds(state);
  }

  /** What is in force is found by the take-up: until then the record knows nothing. */
  takeUp({ tokenGeneration }: Gateway): void {
    this.#generation = tokenGeneration;
  }

  holds({ life }: GatewayState): void {
    const on = life?.gateway;
    if (on?.mark.birth === this.#birth) expect(on.tokenGeneration).toBe(this.#generation);
  }
}

/** Of a life whose record was lost nobody knows the release. */
const unknown = '0000.0.0';

/**
 * What the same operations do to the disk: which release the state belongs to, and what lies on the shelves. A container must
 * never start on another release's state, and nothing that somebody may go back to is let go.
 */
class Disk {
  #birth = '';
  #state = '';
  readonly #shelves = new Map<Shelf, { readonly number: number; readonly release: string }>();

  begin({ life }: GatewayState, operation: Begun): void {
    if (!life) return;
    const { kind } = operation;
    const change = changeIn(operation);
    const { mark, spec } = life.gateway;
    if (kind === 'provision' || kind === 'take-up' || mark.birth !== this.#birth) {
      this.#birth = mark.birth;
      this.#state = spec.release;
      this.#shelves.clear();
    }
    if (this.#state === unknown || spec.release === unknown) this.#state = spec.release;
    if (kind === 'repair' || kind === 'restore' || kind === 'resume')
      expect(spec.release, 'a container starts on the state of another release').toBe(this.#state);
    if (life.owed && isReplacement(life.owed))
      expect(['way-back', 'remove', 'purge'], 'it is not back yet').toContain(kind);
    if (change && isReplacement(change) && change.take !== undefined)
      expect(this.#shelves.get(change.take)?.release, 'what is gone back to is gone').toBe(change.to.release);
  }

  /** What is there of a life that was lost is what its take-up says: the mark in its volume holds that against the world. */
  takeUp({ mark, spec }: Gateway): void {
    this.#birth = mark.birth;
    this.#state = spec.release;
    this.#shelves.clear();
  }

  /** So is what a take-up corrects of a life of which nothing was proved. */
  correct({ spec }: Gateway): void {
    this.#state = spec.release;
  }

  /** What became of the disk is said by what was taken back, never by the word that the operation ended with. */
  end(operation: Begun, { outcome, entered }: OperationResult, state: GatewayState): void {
    const { kind } = operation;
    const change = changeIn(operation);
    if (!change) return kind === 'remove' && outcome === 'done' ? this.#remove(state) : undefined;
    if (change.kind === 'drop-snapshot' && outcome === 'done' && kind !== 'way-back')
      for (const shelf of ['a', 'b'] as const) if (shelf !== change.keep) this.#shelves.delete(shelf);
    if (!isReplacement(change)) return;
    const isTakenBack = !entered.some(({ step }) => registry[step]?.undo !== undefined);
    if (kind === 'way-back') return isTakenBack ? this.#back(change, state) : undefined;
    if (!isTakenBack) this.replace(change);
  }

  replace({ save, number, to }: Replacement): void {
    this.#shelves.set(save, { number, release: this.#state });
    this.#state = to.release;
  }

  holds({ life, phase, running, queue }: GatewayState): void {
    const { former, owed, gateway } = life ?? {};
    if (former) expect(this.#shelves.get(former.shelf)?.release, 'what is kept is gone').toBe(former.spec.release);
    if (owed && isReplacement(owed)) expect(this.#shelves.get(owed.save)?.number).toBe(owed.number);
    const waits = owed ?? (running && changeIn(running)) ?? queue.find(({ kind }) => kind === 'way-back');
    const settled = !waits && !gateway?.underway && phase !== 'queued' && this.#state !== unknown;
    if (settled && gateway?.mark.birth === this.#birth) expect(this.#state).toBe(gateway.spec.release);
  }

  #back({ save, number }: Replacement, state: GatewayState): void {
    const saved = this.#shelves.get(save);
    if (saved?.number === number) this.#state = saved.release;
    this.#shelves.delete(save);
    expect(this.#state, 'it is back on the previous state').toBe(state.life?.gateway.spec.release);
  }

  /** A removal puts the state of an unfinished replacement back, by the record that it began with. */
  #remove({ life }: GatewayState): void {
    const saved = this.underway && this.#shelves.get(this.underway.save);
    if (saved && saved.number === this.underway?.number) this.#state = saved.release;
    this.#shelves.clear();
    if (life) expect(this.#state, 'what is kept fits the record').toBe(life.gateway.spec.release);
  }

  /** What a removal that runs was told. */
  underway: Gateway['underway'];
}

/** What the outside remembers of an entity: what it was promised. */
class Witness {
  readonly entity = new Entity();
  readonly #serial = new Serial();
  readonly #disk = new Disk();
  readonly #promised = new Map<string, { request: Request; accepted: Accepted; at: number }>();

  act(action: Action): void {
    const { entity } = this;
    const { running } = entity.state;
    if (action.do === 'ask') this.#ask(action.request);
    else if (action.do === 'begin') this.#begin();
    else if (action.do === 'end' && running) this.#end(running, possible(entity.state, running, action.outcome));
    else if (action.do === 'lose' && running) this.#lose(running);
    else if (action.do === 'pass') entity.pass(action.ms);
    else if (action.do === 'withdraw') withdraw(entity.state, action.requestId, 'no longer wanted');
    else if (action.do === 'carry') this.#carry();
    else if (action.do === 'renumber' && running) this.#renumber(running);
    this.#holds();
  }

  /** Everything that waits is carried out; nothing may wait for ever. */
  drain(): void {
    for (let count = 0; count < 20 && (this.entity.state.running || this.entity.state.queue.length > 0); count += 1) {
      this.#begin();
      const { running } = this.entity.state;
      if (running) this.#end(running, 'done');
      this.#holds();
    }
    expect(this.entity.state.running).toBeUndefined();
    expect(this.entity.state.queue).toEqual([]);
    expect(new Set(this.entity.begun).size).toBe(this.entity.begun.length);
    for (const { request } of this.#promised.values()) {
      const known = answeredTo(this.entity.state, request.requestId) !== undefined;
      if (known) expect(['queued', 'running']).not.toContain(this.entity.ask(request).state);
    }
  }

  #ask(request: Request): void {
    const isNew = answeredTo(this.entity.state, request.requestId) === undefined;
    try {
      const accepted = this.entity.ask(request);
      const { life } = this.entity.state;
      if (isNew && (accepted.kind === 'provision' || accepted.kind === 'take-up')) this.#isAsNew(request);
      if (isNew && accepted.kind === 'take-up' && life)
        for (const model of [this.#serial, this.#disk]) model.takeUp(life.gateway);
      const corrects = request.kind === 'provision' && request.how === 'take up' && accepted.kind === 'repair';
      if (isNew && corrects && life) this.#disk.correct(life.gateway);
      const known = this.#promised.get(request.requestId);
      this.#promised.set(request.requestId, { request, accepted, at: known?.at ?? this.entity.now });
      expect(kindsFor(request)).toContain(accepted.kind);
      if (request.kind === 'remove' && request.birth !== undefined) expect(accepted.birth).toBe(request.birth);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }

  /** A life that has begun knows what it would know had there been none before it; only of the same birth a lost attempt may still land. */
  #isAsNew(request: Request): void {
    const alone = emptyState(1, this.entity.now);
    acceptRequest(alone, request, 'abcdefghij', 'g42', this.entity.now);
    const { unsettledUntil: _same, ...life } = this.entity.state.life ?? {};
    expect(life).toEqual(alone.life);
  }

  #begin(): void {
    const { entity } = this;
    const operation = entity.begin();
    if (!operation) return;
    this.#serial.begin(entity.state, operation);
    this.#disk.begin(entity.state, operation);
    this.#disk.underway = entity.state.life?.gateway.underway;
    const purges = (isRemoval(operation) && operation.purge) || entity.state.life?.gateway.spec.keepStateMs === 0;
    const removes = operation.kind === 'remove' || operation.kind === 'purge';
    if (removes && !purges) expect(operationSteps(entity.state, operation)).not.toContain(stateStep);
  }

  #end(running: Begun, outcome: OperationOutcome): void {
    const result = this.entity.end(outcome);
    if (!result) return;
    this.#serial.end(running, result, this.entity.state);
    this.#disk.end(running, result, this.entity.state);
  }

  /** However far it had come: the worst is that it was done. */
  #lose(operation: Begun): void {
    const { kind } = operation;
    const change = changeIn(operation);
    if (kind !== 'way-back' && change && isReplacement(change)) this.#disk.replace(change);
    this.entity.lose();
  }

  #carry(): void {
    const carried: CarriedState = JSON.parse(JSON.stringify(carry(this.entity.state)));
    expect(readState(carried)).toEqual(this.entity.state);
    this.entity.state = readState(carried);
  }

  #renumber(running: Begun): void {
    const { number } = renumber(this.entity.state, running);
    this.entity.begun.push(number);
    for (const [id, { request, accepted, at }] of this.#promised) {
      if (accepted.operation !== running.number) continue;
      const workflowId = accepted.workflowId.replace(`/${running.number}-`, `/${number}-`);
      this.#promised.set(id, { request, accepted: { ...accepted, operation: number, workflowId }, at });
    }
  }

  #holds(): void {
    const { state, now } = this.entity;
    this.#serial.holds(state);
    this.#disk.holds(state);
    const own = ['way-back', 'drop-snapshot']; // which nobody asks for
    expect(state.queue.filter(({ kind }) => !own.includes(kind)).length).toBeLessThanOrEqual(limits.queueLength);
    if (state.life?.former) expect(isAlive(state)).toBe(true);
    const goes = isRemoving(state) || hasLeft(state); // A removal that left something goes on with what was under way.
    if (state.life?.gateway.underway && !goes) expect(isAlive(state)).toBe(true);
    const waiting = [...state.queue, ...(state.running ? [state.running] : [])].map(({ number }) => number);
    expect(new Set(waiting).size).toBe(waiting.length);
    expect(Math.max(0, ...waiting)).toBeLessThan(state.nextOperation);
    if (isAlive(state) && !isRemoving(state)) expect(state.life?.stateKeptUntil).toBe(0);
    const holdsState = state.life?.entered.some(({ step }) => step === stateStep);
    if (state.phase === 'removed' && !holdsState) expect(state.life?.stateKeptUntil).toBe(0);
    for (const [id, { request, accepted, at }] of this.#promised) {
      if (!answeredTo(state, id)) {
        expect(now - at).toBeGreaterThanOrEqual(limits.forgetAfterMs);
        expect(isOver(accepted.state)).toBe(true);
        this.#promised.delete(id);
        continue;
      }
      const again = this.entity.ask(request);
      expect({ ...again, state: '' }).toEqual({ ...accepted, state: '' });
      if (isOver(accepted.state)) expect(again.state).toBe(accepted.state);
      this.#promised.set(id, { request, accepted: again, at: isOver(again.state) ? at : now });
    }
  }
}

function isOver(state: Accepted['state']): boolean {
  return state !== 'queued' && state !== 'running';
}

/** A change is stopped by a removal only: otherwise it goes back. A way back that was asked for while another took its change back finds nothing to undo. */
function possible(state: GatewayState, operation: Begun, outcome: OperationOutcome): OperationOutcome {
  const { kind } = operation;
  if (kind === 'way-back' && !state.life?.backFrom) return 'done';
  if (changeIn(operation) && outcome === 'stopped' && !isRemoving(state)) return 'done';
  return outcomes[kind].includes(outcome) ? outcome : 'done';
}

function kindsFor({ kind }: Request): readonly OperationKind[] {
  if (kind !== 'provision' && kind !== 'remove') return [kind];
  return kind === 'provision'
    ? ['provision', 'repair', 'restore', 'take-up']
    : Object.values<OperationKind>(['remove', 'purge', 'provision']);
}

function holdsFor(histories: fc.Arbitrary<readonly Action[]>, before: readonly Action[] = []): void {
  fc.assert(
    fc.property(histories, (history) => {
      const witness = new Witness();
      for (const action of [...before, ...history]) witness.act(action);
      witness.drain();
    }),
    { numRuns: 300 },
  );
}

test('whatever is asked, ends, is lost or forgotten, in whatever order: what was promised holds', () => {
  holdsFor(fc.array(actions, { maxLength: 60, size: 'max' }));
});

const restore = provision('r', { how: 'restore' });

/** Changes of a gateway that lives, with a repair or a removal between them: what goes wrong on the disk needs a row of these. */
const rows: fc.Arbitrary<readonly Action[]> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.oneof(others, rotations).map((request): Action => ({ do: 'ask', request })) },
      { weight: 2, arbitrary: fc.constant<Action>({ do: 'ask', request: provision('r') }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom<Action>({ do: 'ask', request: remove('r') }, { do: 'ask', request: restore }),
      },
      { weight: 1, arbitrary: removals.map((request): Action => ({ do: 'ask', request })) },
      { weight: 4, arbitrary: fc.constant<Action>({ do: 'begin' }) },
      {
        weight: 4,
        arbitrary: fc
          .constantFrom<OperationOutcome>('done', 'done', 'undone', 'left', 'stopped', 'stopped')
          .map((outcome): Action => ({ do: 'end', outcome })),
      },
      { weight: 1, arbitrary: fc.constantFrom<Action>({ do: 'lose' }, { do: 'pass', ms: 200 * keepStateMs }) },
    ),
    { maxLength: 30, size: 'max' },
  )
  .map((row) => row.map((action, index) => numbered(action, index)));

/** The same action as a request of its own. */
function numbered(action: Action, index: number): Action {
  return action.do === 'ask' ? { do: 'ask', request: { ...action.request, requestId: `row-${index}` } } : action;
}

test('whatever becomes of changes in a row: no container starts on the state of another, and what is kept is there', () => {
  holdsFor(rows, [{ do: 'ask', request: provision('first') }, { do: 'begin' }, { do: 'end', outcome: 'done' }]);
});

test('a take-up corrects no spec while a way back is owed: it leads to the one on record', () => {
  const begun = provision('first', { spec: { ...keeping, release: '2026.9.7' } });
  const change = { kind: 'change', requestId: 'change', origin: 'test', memoryMb: 4096 } as const;
  const history: Action[] = [
    { do: 'ask', request: begun },
    { do: 'begin' },
    { do: 'ask', request: change },
    { do: 'end', outcome: 'done' },
    { do: 'begin' },
    { do: 'end', outcome: 'left' },
    { do: 'ask', request: provision('second', { how: 'take up' }) },
  ];
  holdsFor(fc.constant(history));
});
