import { describe, expect, test } from 'vitest';
import { acceptRequest, checkRequest } from '../../src/workflows/accept-request.js';
import { emptyState, type GatewayState } from '../../src/workflows/gateway-state.js';
import { defaultLimits } from '../../src/workflows/limits.js';
import type { Request } from '../../src/workflows/requests.js';
import { engineHolding } from '../../src/domain/whereabouts.js';
import { testSpec } from '../world/open-test-world.js';
import { refusal } from './refusal.js';

const place = { provider: 'local', host: 'local' } as const;
const mark = { deployment: 'testdeploy', gateway: 'g42', birth: '7k3fq2', layout: 1 };
const nowhere = { here: 'engine-a', asked: [{ engine: 'engine-a', lives: [] }], unasked: [] };

/** A record of an older creel, as it stands after an operation that found its engine nowhere. */
function recorded(over: Partial<GatewayState>): GatewayState {
  const life = { mark, place, spec: testSpec, tokenGeneration: 1, deviceGeneration: 1 };
  return { ...emptyState(2, 0), life, entered: [{ step: 'keep state', unsettledUntil: 0 }], ...over };
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
    ['a repair', 'provision', recorded({ phase: 'degraded' })],
    ['a removal', 'remove', recorded({ phase: 'removed', left: [{ step: 'keep state', kind: 'Refused', reason }] })],
  ] as const)('takes the cure that is named after %s', (_title, verb, state) => {
    const cure = curedBy(refusal(() => engineHolding(mark, nowhere, verb)));
    checkRequest(state, cure, defaultLimits);
    acceptRequest(state, cure, mark.deployment, mark.gateway, 0);
    expect(state.life?.place.engine).toBe('engine-b');
    expect(state.queue).toHaveLength(1);
  });
});
