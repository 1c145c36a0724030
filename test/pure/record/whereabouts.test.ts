import { describe, expect, test } from 'vitest';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { checkRequest } from '../../../src/workflows/entity/check.js';
import type { Phase } from '../../../src/wire/description.js';
import { newLife, type Life } from '../../../src/workflows/record/life.js';
import { emptyState, type GatewayState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import type { Request } from '../../../src/wire/requests.js';
import { engineHolding, engineNamed, engineOfLost } from '../../../src/domain/hosts/whereabouts.js';
import { testSpec } from '../../world/open-test-world.js';
import { refusal } from '../refusal.js';

const place = { provider: 'local', host: 'local' } as const;
const mark = { deployment: 'testdeploy', gateway: 'g42', birth: '7k3fq2', layout: 1 };
const nowhere = { here: 'engine-a', asked: [{ engine: 'engine-a', lives: [] }], unasked: [] };

/** A record of an older creel, as it stands after an operation that found its engine nowhere. */
function recorded(phase: Phase, over: Partial<Life> = {}): GatewayState {
  const life = newLife({ mark, place, spec: testSpec, tokenGeneration: 1, deviceGeneration: 1 });
  const entered = [{ step: 'keep state', unsettledUntil: 0 }];
  return { ...emptyState(2, 0), phase, life: { ...life, entered, ...over } };
}

/** The request that a message names as its cure. */
function curedBy(message: string): Request {
  const [, verb, id] = /`creel (provision|remove) (\S+) --engine ID`/.exec(message) ?? [];
  expect(id).toBe('g42');
  const asked = { requestId: 'cure', origin: 'test', place: { ...place, engine: 'engine-b' } };
  if (verb === 'remove') return { kind: 'remove', purge: false, ...asked };
  return { kind: 'provision', spec: testSpec, birth: mark.birth, how: 'new', ...asked };
}

describe('a record whose engine is found nowhere', () => {
  const reason = 'its engine is found nowhere';

  test.each([
    ['a repair', 'provision', recorded('degraded')],
    ['a removal', 'remove', recorded('removed', { left: [{ step: 'keep state', kind: 'Refused', reason }] })],
  ] as const)('takes the cure that is named after %s', (_title, verb, state) => {
    const cure = curedBy(refusal(() => engineHolding(mark, nowhere, verb)));
    checkRequest(state, cure, defaultLimits);
    acceptRequest(state, cure, mark.deployment, mark.gateway, 0);
    expect(state.queue).toMatchObject([{ engine: 'engine-b' }]);
    expect(state.life?.gateway.place.engine).toBeUndefined();
    expect(engineNamed(mark, 'engine-b', { ...nowhere, unasked: [{ engine: 'engine-b', host: 'b' }] })).toBe(
      'engine-b',
    );
  });
});

describe('an engine that an operator names', () => {
  const life = { birth: mark.birth, resources: ['volume oc-g42-7k3fq2-state'] };
  const seen = {
    here: 'engine-a',
    asked: [
      { engine: 'engine-a', lives: [life] },
      { engine: 'engine-b', lives: [] },
    ],
    unasked: [{ engine: 'engine-c', host: 'c' }],
  };

  test.each([
    [{ kind: 'provision', spec: testSpec, birth: mark.birth, how: 'new' }, emptyState(1, 0)],
    [{ kind: 'provision', spec: testSpec, birth: mark.birth, how: 'take up' }, emptyState(1, 0)],
    [{ kind: 'remove', purge: true, birth: mark.birth }, emptyState(1, 0)],
    [{ kind: 'provision', spec: testSpec, birth: mark.birth, how: 'new' }, recorded('degraded')],
    [{ kind: 'remove', purge: false }, recorded('degraded')],
  ])('is never on record before it was found: %o', (wish, state) => {
    const request = { ...wish, requestId: 'r', origin: 'test', place: { ...place, engine: 'engine-mistyped' } };
    checkRequest(state, request as Request, defaultLimits);
    acceptRequest(state, request as Request, mark.deployment, mark.gateway, 0);
    expect(JSON.stringify(state.life)).not.toContain('mistyped');
    expect(state.queue).toMatchObject([{ engine: 'engine-mistyped' }]);
    const again = acceptRequest(state, request as Request, mark.deployment, mark.gateway, 0);
    expect(again).toMatchObject({ operation: state.queue[0]?.number });
  });

  test('and that no worker ever served is refused, with those there are', () => {
    expect(refusal(() => engineNamed(mark, 'engine-mistyped', seen))).toMatch(
      /no worker ever served engine engine-mistyped\. Those there are: engine-a, engine-b, engine-c/,
    );
    expect(refusal(() => engineOfLost(mark, { engine: 'engine-mistyped' }, seen))).toMatch(/no worker ever served/);
  });

  test('and that another one is of which the mark stands is refused; of two copies the named one is taken', () => {
    expect(refusal(() => engineNamed(mark, 'engine-b', seen))).toMatch(/is on engine engine-a, not engine-b/);
    expect(refusal(() => engineOfLost(mark, { engine: 'engine-b' }, seen))).toMatch(/is on engine engine-b; not asked/);
    expect(engineOfLost(mark, { engine: 'engine-a' }, seen)).toBe('engine-a');
    const copied = { ...seen, asked: seen.asked.map((each) => ({ ...each, lives: [life] })) };
    expect(engineNamed(mark, 'engine-b', copied)).toBe('engine-b');
  });
});

describe('a gateway whose engine is gone for good', () => {
  const stands = (phase: Phase, over: Partial<Life> = {}) => {
    const state = recorded(phase, over);
    if (state.life) state.life.gateway = { ...state.life.gateway, place: { ...place, engine: 'engine-gone' } };
    return state;
  };
  const give = (state: GatewayState, gone: string, requestId = 'gone') => {
    const asked = { kind: 'remove', purge: false, gone, requestId, origin: 'test' } as const;
    checkRequest(state, asked, defaultLimits);
    return acceptRequest(state, asked, mark.deployment, mark.gateway, 0);
  };

  test.each([
    ['that lives', 'remove', stands('ready')],
    ['whose state is kept', 'purge', stands('removed', { stateKeptUntil: 1_000_000 })],
    ['that could not be removed whole', 'remove', stands('removed', { left: [{ step: 'x', kind: 'y', reason: 'z' }] })],
  ] as const)('is given up, one %s too, and what waits is taken back', (_title, kind, state) => {
    state.queue.push({ number: 1, kind: 'repair' });
    give(state, 'engine-gone');
    expect(state.queue).toMatchObject([{ kind, purge: true, gone: true }]);
    expect(state.ended).toMatchObject([{ number: 1, outcome: 'withdrawn' }]);
    const { operation } = give(state, 'engine-gone', 'again');
    expect(operation).toBe(state.queue[0]?.number);
    expect(state.queue).toHaveLength(1);
  });

  test('is given up by the very engine of its record alone', () => {
    expect(refusal(() => give(stands('ready'), 'engine-other'))).toMatch(/engine-gone, not engine-other/);
    expect(refusal(() => give(recorded('ready'), 'engine-gone'))).toMatch(/no engine that is known/);
    expect(refusal(() => give(emptyState(1, 0), 'engine-gone'))).toMatch(/no gateway of this id/);
  });
});
