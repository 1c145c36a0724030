import { changeWays } from '../../../src/domain/changes/reconfiguration.js';
import { askLive, asksForLimits } from '../../../src/workflows/reconfigure/operation.js';
import { describe, expect, test } from 'vitest';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { keepFormerMs } from '../../../src/domain/thresholds.js';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { checkRequest } from '../../../src/workflows/entity/check.js';
import type { ChangeRequest } from '../../../src/wire/change-requests.js';
import { newLife } from '../../../src/workflows/record/life.js';
import { changeIn } from '../../../src/workflows/record/queued.js';
import { emptyState, type GatewayState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import {
  beginOperation,
  endOperation,
  enteredBefore,
  loseOperation,
  operationSteps,
} from '../../../src/workflows/entity/begin-end.js';
import type { OperationResult } from '../../../src/wire/operation.js';
import { dropBack, isBackAlready } from '../../../src/workflows/entity/change.js';
import { letGo } from '../../../src/workflows/entity/owed.js';
import { outdateFormer, refusedInRehearsal } from '../../../src/workflows/replace/former.js';
import { provisionSteps } from '../../../src/workflows/provision/operation.js';
import { replacementOwns } from '../../../src/workflows/replace/operation.js';
import { testSpec } from '../../world/open-test-world.js';
import { refusal } from '../refusal.js';

const place = { provider: 'local', host: 'local' } as const;
const gateway: Gateway = {
  mark: { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 },
  place,
  spec: testSpec,
  tokenGeneration: 1,
  deviceGeneration: 1,
};
let requests = 0;

function ready(): GatewayState {
  const entered = provisionSteps.map((step) => ({ step, unsettledUntil: 0 }));
  return { ...emptyState(2, 1_000), life: { ...newLife(gateway), entered }, phase: 'ready', alone: true };
}

function ask(state: GatewayState, request: Partial<ChangeRequest> & { kind: ChangeRequest['kind'] }): void {
  requests += 1;
  const whole = { requestId: `r${requests}`, origin: 'test', place, ...request } as ChangeRequest;
  checkRequest(state, whole, defaultLimits);
  acceptRequest(state, whole, 'abcdefghij', 'g42', 1_000);
}

const upgrade = (release: string, retryFailed = false) =>
  ({ kind: 'upgrade', release, dev: true, retryFailed }) as const;

/** Begins what waits and ends it; `proofs` are the steps that said something. */
function run(
  state: GatewayState,
  outcome: OperationResult['outcome'],
  proofs: readonly string[] = [],
  reason = '',
  now = 2_000,
) {
  const begun = beginOperation(state, now);
  if (!begun) throw new Error('nothing began');
  const said = proofs.map((step) => ({ at: '', step, proof: '' }));
  const result: OperationResult = {
    outcome,
    reason,
    record: undefined,
    entered: [],
    skipped: [],
    left: [],
    proofs: said,
  };
  endOperation(state, begun, result, now);
  return begun;
}

const wentBack = ['set aside', 'undo set aside'];

describe('a rollback', () => {
  const telegram = (...allowFrom: string[]) =>
    ({ kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom }) as const;

  /** A gateway whose kept state has senders that its spec does not name any more. */
  function rolledBack(): GatewayState {
    const state = ready();
    state.life = newLife({ ...gateway, spec: { ...testSpec, channels: [telegram('@boss', '@fired')] } });
    ask(state, upgrade('2026.9.7'));
    run(state, 'done');
    ask(state, { kind: 'change', channels: [telegram('@boss')] });
    run(state, 'done');
    ask(state, { kind: 'rollback' });
    return state;
  }

  test('keeps the channels on record, and knows those that creel had put into the kept state', () => {
    expect(changeIn(run(rolledBack(), 'done'))).toMatchObject({
      kind: 'rollback',
      to: { release: testSpec.release, channels: [telegram('@boss')] },
      takenChannels: [telegram('@boss', '@fired')],
    });
  });

  test('that is done is ready, whatever was wrong before', () => {
    const state = rolledBack();
    state.phase = 'degraded';
    state.reason = 'await readiness: it ended with exit 1';
    run(state, 'done');
    expect(state).toMatchObject({ phase: 'ready', reason: '' });
  });

  test('that left a gateway as it was, which does not serve, is degraded and can be asked for again', () => {
    const state = rolledBack();
    const begun = beginOperation(state, 2_000);
    if (!begun) throw new Error('nothing began');
    const none = { record: undefined, entered: [], skipped: [], left: [] };
    endOperation(state, begun, { outcome: 'undone', reason: 'prove replacement: x', ...none, down: 'exit 1' }, 2_000);
    const former = { spec: { release: testSpec.release } };
    expect(state).toMatchObject({ phase: 'degraded', reason: 'exit 1', life: { former } });
    expect(state.life?.owed).toBeUndefined();
    ask(state, { kind: 'rollback' });
    run(state, 'done');
    expect(state).toMatchObject({ phase: 'ready', life: { gateway: { spec: { release: testSpec.release } } } });
  });
});

describe('an upgrade', () => {
  test('accepts dev releases as before, unless it says that it does not', () => {
    const state = ready();
    ask(state, { ...upgrade('2026.9.7'), dev: false });
    run(state, 'done');
    expect(state.life?.gateway.spec).toMatchObject({ release: '2026.9.7', dev: true });
    ask(state, { ...upgrade('2026.9.8'), dev: false, devAsSaid: true });
    run(state, 'done');
    expect(state.life?.gateway.spec).toMatchObject({ release: '2026.9.8', dev: false });
  });

  test('to an older release is refused at once, and names a rollback only where there is one', () => {
    const state = ready();
    const older = upgrade('2026.6.11');
    expect(refusal(() => ask(state, older))).toMatch(
      /older than 2026\.9\.6.*No earlier release is kept to go back to$/,
    );
    ask(state, upgrade('2026.9.7'));
    run(state, 'done');
    expect(refusal(() => ask(state, older))).toMatch(
      /older than 2026\.9\.7.*`creel rollback g42` goes back to 2026\.9\.6/,
    );
    outdateFormer(state);
    expect(refusal(() => ask(state, older))).toMatch(/No earlier release is kept/);
  });

  test('that a removal stopped is still under way and owed, whatever it had come to, until the removal has put it back', () => {
    const state = ready();
    ask(state, upgrade('2026.9.7'));
    const begun = beginOperation(state, 2_000);
    if (!begun) throw new Error('nothing began');
    acceptRequest(
      state,
      { kind: 'remove', requestId: 'gone', origin: 'test', purge: false, place },
      'abcdefghij',
      'g42',
      2_000,
    );
    const entered = [{ step: 'make room', unsettledUntil: 0 }];
    const stopped = { outcome: 'stopped', reason: 'x', record: undefined, entered, skipped: [], left: [] } as const;
    endOperation(state, begun, stopped, 2_000);
    expect(state.life?.gateway.underway).toMatchObject({ save: 'a' });
    expect(state.life).toMatchObject({ owed: { kind: 'upgrade' }, backFrom: entered });
    const removal = beginOperation(state, 2_000);
    if (!removal) throw new Error('no removal began');
    endOperation(state, removal, { ...stopped, outcome: 'done', entered: [] }, 2_000);
    expect(state.life?.gateway.underway).toBeUndefined();
    expect([state.life?.owed, state.life?.backFrom]).toEqual([undefined, undefined]);
  });

  test('that is done is the spec on record, and what was before is kept with its state', () => {
    const state = ready();
    ask(state, upgrade('2026.9.7'));
    const change = changeIn(run(state, 'done'));
    expect(change).toMatchObject({ kind: 'upgrade', save: 'a', to: { ...testSpec, release: '2026.9.7' } });
    expect(state).toMatchObject({
      phase: 'ready',
      life: {
        gateway: { spec: { release: '2026.9.7' } },
        former: { shelf: 'a', spec: testSpec, until: 2_000 + keepFormerMs },
      },
      queue: [],
    });
    expect(state.life?.gateway.underway).toBeUndefined();
  });

  test('saves where nothing is kept, and lets the earlier state go when it is done', () => {
    const state = ready();
    ask(state, upgrade('2026.9.7'));
    run(state, 'done');
    ask(state, upgrade('2026.9.8'));
    expect(changeIn(run(state, 'done'))).toMatchObject({ save: 'b' });
    expect(state.life?.former).toMatchObject({ shelf: 'b', spec: { release: '2026.9.7' } });
    const drop = { kind: 'drop-snapshot', keep: 'b', former: testSpec.release };
    expect(changeIn(run(state, 'done'))).toEqual({ ...drop, below: state.nextOperation });
    expect(state).toMatchObject({ life: { former: { shelf: 'b' } }, phase: 'ready' });
  });

  test('that went back three times is refused until an operator says so; a pre-flight that refused does not count', () => {
    const state = ready();
    ask(state, upgrade('2026.9.7'));
    run(state, 'undone', ['check replacement'], 'check replacement: no disk');
    for (let count = 0; count < 3; count += 1) {
      ask(state, upgrade('2026.9.7'));
      run(state, 'undone', wentBack, 'await replacement: exit 1');
      const failed = { '2026.9.7': count + 1 };
      expect(state).toMatchObject({ phase: 'ready', life: { gateway: { spec: testSpec }, failed } });
    }
    expect(refusal(() => ask(state, upgrade('2026.9.7')))).toMatch(/could not be proved here 3 times.*--retry-failed/);
    ask(state, upgrade('2026.9.8'));
    run(state, 'undone', wentBack, 'set aside: cancelled');
    expect(state.life?.failed).toEqual({ '2026.9.7': 3 });
    ask(state, upgrade('2026.9.7', true));
    run(state, 'done');
    expect(state.life?.failed).toEqual({});
  });

  test.each([
    ['rehearse replacement: release 2026.9.7 does not start on a copy of the state of g42 (exit 78)', '2026.9.7'],
    ['rehearse replacement: the rehearsal for g42 ended with exit 1: no space left', undefined],
    ['rehearse replacement: cancelled', undefined],
    ['check replacement: release 2026.9.7 is not in the catalogue', undefined],
  ])('counts against its release when its own rehearsal refused it: %s', (reason, release) => {
    const state = ready();
    ask(state, upgrade('2026.9.7'));
    const begun = run(state, 'undone', ['undo rehearse replacement'], reason);
    const none = { record: undefined, entered: [], skipped: [], left: [] };
    expect(refusedInRehearsal(begun, { outcome: 'undone', reason, ...none })).toBe(release);
    const change = changeIn(begun);
    if (!change) throw new Error('no change began');
    expect(
      refusedInRehearsal({ number: 3, kind: 'way-back', change }, { outcome: 'done', reason, ...none }),
    ).toBeUndefined();
  });

  test('that was asked for too often at once is withdrawn when the third has gone back', () => {
    const state = ready();
    for (let count = 0; count < 4; count += 1) ask(state, upgrade('2026.9.7'));
    for (let count = 0; count < 3; count += 1) run(state, 'undone', wentBack, 'await replacement: exit 1');
    expect(beginOperation(state, 3_000)).toBeUndefined();
    expect(state.ended.at(-1)).toMatchObject({
      kind: 'upgrade',
      outcome: 'withdrawn',
      reason: expect.stringContaining('--retry-failed'),
    });
  });

  test('to the release that it runs is refused, and withdrawn when it has come true meanwhile', () => {
    const state = ready();
    expect(refusal(() => ask(state, upgrade(testSpec.release)))).toContain('already');
    ask(state, upgrade('2026.9.7'));
    ask(state, upgrade('2026.9.7'));
    run(state, 'done');
    expect(beginOperation(state, 3_000)).toBeUndefined();
    expect(state.ended.at(-1)).toMatchObject({ kind: 'upgrade', outcome: 'withdrawn' });
  });

  test('owns from its begin what a removal must take away, also when its run is lost', () => {
    const state = ready();
    ask(state, upgrade('2026.9.7'));
    const begun = beginOperation(state, 2_000);
    if (!begun) throw new Error('nothing began');
    expect(state.life?.gateway.underway).toMatchObject({ save: 'a' });
    expect(operationSteps(state, { number: 9, kind: 'remove', purge: true })).toEqual([
      ...provisionSteps,
      ...replacementOwns,
    ]);
    loseOperation(state, begun, 'terminated', defaultLimits, 2_000);
    expect(state.queue[0]).toMatchObject({ kind: 'way-back' });
    const owned = (state.life?.entered ?? []).filter(({ step }) => replacementOwns.some((each) => each === step));
    expect(owned.every(({ unsettledUntil }) => unsettledUntil > 2_000)).toBe(true);
  });
});

describe('a way back that did not come to its end', () => {
  const entered = [{ step: 'set aside', unsettledUntil: 0 }];
  const left = [{ step: 'set aside', kind: 'Refused', reason: 'no disk' }];

  /** The operation that runs could not be taken back. */
  function leave(state: GatewayState): void {
    const begun = state.running ?? beginOperation(state, 2_000);
    if (!begun) throw new Error('nothing began');
    const result = { outcome: 'left', reason: 'no disk', record: undefined, entered, skipped: [], left } as const;
    endOperation(state, begun, result, 2_000);
  }

  function repair(state: GatewayState): void {
    requests += 1;
    const again = { kind: 'provision', requestId: `r${requests}`, origin: 'test', place, spec: testSpec } as const;
    acceptRequest(state, { ...again, birth: '7k3fq2', how: 'new' }, 'abcdefghij', 'g42', 2_000);
  }

  const rotate = { kind: 'rotate', reclaim: false, evict: false } as const;

  test('comes before the next repair, with what is left of it', () => {
    const state = ready();
    ask(state, upgrade('2026.9.7'));
    leave(state);
    expect(state).toMatchObject({ phase: 'degraded', life: { gateway: { underway: { save: 'a' } } } });
    repair(state);
    expect(state.queue.map(({ kind }) => kind)).toEqual(['way-back', 'repair']);
    const back = run(state, 'done');
    expect(operationSteps(state, back)).toContain('set aside');
    expect(state.life?.gateway.underway).toBeUndefined();
    expect(run(state, 'done').kind).toBe('repair');
  });

  test('is not gone twice, though a second repair was asked for while it ran', () => {
    const state = ready();
    ask(state, upgrade('2026.9.7'));
    leave(state);
    repair(state);
    expect(isBackAlready(state)).toBe(false);
    const back = beginOperation(state, 2_000);
    repair(state);
    expect(state.queue.map(({ kind }) => kind)).toEqual(['way-back', 'repair']);
    expect(isBackAlready(state)).toBe(false); // It is still owed while the first one runs.
    if (back)
      endOperation(
        state,
        back,
        { outcome: 'done', reason: '', record: undefined, entered: [], skipped: [], left: [] },
        2_000,
      );
    expect(isBackAlready(state)).toBe(true);
    dropBack(state);
    expect(state.ended.at(-1)).toMatchObject({ kind: 'way-back', outcome: 'withdrawn' });
    expect(run(state, 'done').kind).toBe('repair');
  });

  test('is gone a second time where the first one had to leave something', () => {
    const state = ready();
    ask(state, upgrade('2026.9.7'));
    leave(state);
    repair(state);
    beginOperation(state, 2_000);
    repair(state);
    leave(state);
    expect([state.queue[0]?.kind, isBackAlready(state)]).toEqual(['way-back', false]);
  });

  test('comes before what waited already, and nothing else happens until it is done', () => {
    const state = ready();
    ask(state, upgrade('2026.9.7'));
    ask(state, rotate);
    repair(state);
    leave(state);
    const underWay =
      /an earlier upgrade of g42 is being taken back \(operation 6\).*`creel describe g42` shows .*answers/;
    expect(refusal(() => ask(state, rotate))).toMatch(underWay);
    expect(state.queue.map(({ kind }) => kind)).toEqual(['way-back', 'rotate', 'repair']);
    const back = beginOperation(state, 2_000);
    expect(refusal(() => ask(state, rotate))).toMatch(underWay); // It runs, and may be parked.
    expect(back && enteredBefore(state, back)).toEqual(entered);
    leave(state);
    expect(beginOperation(state, 2_000)).toBeUndefined();
    expect(beginOperation(state, 2_000)).toBeUndefined();
    expect(state.ended.slice(-2)).toMatchObject([
      { kind: 'rotate', outcome: 'withdrawn' },
      { kind: 'repair', outcome: 'withdrawn' },
    ]);
    expect(state).toMatchObject({
      phase: 'degraded',
      life: { gateway: { underway: { save: 'a' } }, backFrom: entered },
    });
    expect(refusal(() => ask(state, rotate))).toMatch(
      /an earlier upgrade of g42 could not be taken back.*creel provision g42/,
    );
  });

  test('keeps what there is to go back to, however long it takes', () => {
    const state = ready();
    ask(state, upgrade('2026.9.7'));
    run(state, 'done');
    ask(state, upgrade('2026.9.8'));
    leave(state);
    letGo(state, 2_000 + keepFormerMs);
    expect(state).toMatchObject({ queue: [], life: { former: { shelf: 'a' }, owed: { save: 'b' } } });
  });
});

describe('a rollback', () => {
  test('without a kept release is refused', () => {
    expect(refusal(() => ask(ready(), { kind: 'rollback' }))).toContain('no earlier release is kept');
  });

  test('takes the kept state, and keeps what it leaves', () => {
    const state = ready();
    ask(state, upgrade('2026.9.7'));
    run(state, 'done');
    ask(state, { kind: 'change', memoryMb: 4096 });
    run(state, 'done');
    run(state, 'done'); // the state that the change had saved is let go
    ask(state, { kind: 'rollback' });
    const change = changeIn(run(state, 'done'));
    expect(change).toMatchObject({ kind: 'rollback', take: 'a', save: 'b', to: { ...testSpec, memoryMb: 4096 } });
    expect(state.life?.former).toMatchObject({ shelf: 'b', spec: { release: '2026.9.7' } });
  });
});

describe('a change of limits', () => {
  const asked = { kind: 'change', memoryMb: 4096 } as const;

  test('reaches the container that there is, and lets nothing go', () => {
    const state = ready();
    ask(state, asked);
    expect(asksForLimits(state)).toBe(true);
    askLive(state);
    expect(changeIn(run(state, 'done'))).toEqual({
      kind: 'reconfigure',
      to: { ...testSpec, memoryMb: 4096 },
      channels: false,
      limits: true,
      number: expect.any(Number),
    });
    expect(state.life?.gateway.spec.memoryMb).toBe(4096);
    expect(state.queue).toEqual([]);
  });

  test('that an older creel began goes by a new container', () => {
    const state = ready();
    ask(state, asked);
    expect(changeIn(run(state, 'done'))).toMatchObject({ kind: 'change', to: { memoryMb: 4096 } });
  });

  test.each([
    [{ memoryMb: 4096 }, {}, ['limits by the engine']],
    [{ cpus: 2 }, { channels: [] }, ['limits by the engine', 'channels by the gateway']],
    [{}, { channels: [] }, ['channels by the gateway']],
    [{}, { models: 'none' }, ['models by the gateway']],
    [{}, { channels: [], models: 'none' }, ['channels by the gateway', 'models by the gateway']],
    [{ parkMs: 1 }, {}, ['record only']],
    [{ release: '2026.9.7' }, { models: 'none' }, ['new container']],
  ])('%j, with %j named, goes by %j', (differing, named, ways) => {
    expect(changeWays(testSpec, { ...testSpec, ...differing }, named)).toEqual(ways);
  });
});

test('what is kept goes by itself when its time is over, with the image of its release', () => {
  const state = ready();
  ask(state, upgrade('2026.9.7'));
  run(state, 'done');
  letGo(state, 2_000 + keepFormerMs - 1);
  expect(state.queue).toEqual([]);
  letGo(state, 2_000 + keepFormerMs);
  expect(state.life?.former).toBeUndefined();
  const drop = { kind: 'drop-snapshot', former: testSpec.release };
  expect(changeIn(run(state, 'done'))).toEqual({ ...drop, below: state.nextOperation });
  expect(state.phase).toBe('ready');
  expect(refusal(() => ask(state, { kind: 'drop-snapshot' }))).toContain('go by themselves');
});

test('a rollback of a state that knows evicted devices is refused when it is asked, and comes to nothing when it waits', () => {
  const state = ready();
  ask(state, upgrade('2026.9.7'));
  run(state, 'done');
  state.queue = [];
  ask(state, { kind: 'rollback' });
  outdateFormer(state);
  expect(beginOperation(state, 2_000)).toBeUndefined();
  expect(state.ended.at(-1)).toMatchObject({ kind: 'rollback', outcome: 'withdrawn' });
  expect(refusal(() => ask(state, { kind: 'rollback' }))).toMatch(/still knows the devices/);
  expect(state.life?.gateway.spec.release).toBe('2026.9.7');
});
