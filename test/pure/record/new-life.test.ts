import { describe, expect, test } from 'vitest';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import type { GatewayRecord } from '../../../src/domain/gateway/reading.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import type { ProvisionRequest, RemoveRequest, Request } from '../../../src/wire/requests.js';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { checkRequest } from '../../../src/workflows/entity/check.js';
import { newLife, type Life } from '../../../src/workflows/record/life.js';
import { emptyState, type GatewayState } from '../../../src/workflows/record/state.js';
import { testSpec } from '../../world/open-test-world.js';

const place = { provider: 'local', host: 'local' } as const;
const gateway: Gateway = {
  mark: { deployment: 'abcdefghij', gateway: 'g42', birth: 'aaaaaa', layout: 1 },
  place: { ...place, engine: 'engine-a' },
  spec: testSpec,
  tokenGeneration: 7,
  deviceGeneration: 3,
  keyId: 'df09de28',
  replacement: 4,
  underway: { number: 5, save: 'a' },
};

/** A life that is over, of which everything there is to know is known; a field that is added does not compile until it is filled here. */
const over: Required<Life> = {
  gateway,
  entered: [{ step: 'start container', unsettledUntil: 0 }],
  record: { provedAt: '2026-11-21T07:57:30.000Z' } as GatewayRecord,
  skipped: ['probe channels'],
  left: [],
  stateKeptUntil: 0,
  resting: { phase: 'ready', reason: '' },
  burned: { token: 9, device: 4 },
  approved: ['d1'],
  backFrom: [{ step: 'apply token', unsettledUntil: 0 }],
  owed: { kind: 'deny', deviceId: 'd2' },
  suspended: { since: 1_000, reason: 'unpaid' },
  invitation: { digest: 'a'.repeat(64), until: 1, generation: 1, used: 1 },
  handOver: { generation: 7, since: 1_000 },
  former: { shelf: 'b', spec: testSpec, until: 9_000 },
  dropping: { failures: 1, again: 2_000, reason: 'no disk' },
  failed: { '2026.9.7': 3 },
  unsettledUntil: 60_000,
};

/** The record of a gateway that was removed, with something of its life that this version does not know. */
function tombstone(): GatewayState {
  const life: Life & { tomorrow: string } = { ...structuredClone(over), tomorrow: 'another field' };
  return { ...emptyState(8, 1_000), life, phase: 'removed', alone: true };
}

const asked = { requestId: 'next', origin: 'test', place } as const;
const provision: ProvisionRequest = { ...asked, kind: 'provision', spec: testSpec, birth: 'bbbbbb', how: 'new' };
const remove: RemoveRequest = { ...asked, kind: 'remove', purge: false, birth: 'bbbbbb' };

function ask(state: GatewayState, request: Request): GatewayState {
  checkRequest(state, request, defaultLimits);
  acceptRequest(state, request, 'abcdefghij', 'g42', 2_000);
  return state;
}

describe('a life that begins on the record of another', () => {
  test.each<[string, Request]>([
    ['a new one', provision],
    ['one that is taken up', { ...provision, how: 'take up' }],
    ['one that is only removed', remove],
  ])('is as if there had been none before it: %s', (_which, request) => {
    expect(ask(tombstone(), request).life).toStrictEqual(ask(emptyState(8, 1_000), request).life);
  });

  test('inherits one thing where it is the same one taken up again: until when a lost attempt may still land', () => {
    const again: Request = { ...provision, how: 'take up', birth: 'aaaaaa' };
    expect(ask(tombstone(), again).life).toStrictEqual({
      ...ask(emptyState(8, 1_000), again).life,
      unsettledUntil: 60_000,
    });
  });

  test('leaves to the record only what is of all lives: requests, operations and their numbers', () => {
    const state = ask(tombstone(), provision);
    const known = ['alone', 'answered', 'ended', 'newRun', 'nextOperation', 'queue', 'running'];
    const anew = ['life', 'phase', 'reason', 'since']; // set when a life begins
    expect(Object.keys(state).toSorted()).toEqual([...known, ...anew].toSorted());
    expect(state).toMatchObject({ phase: 'queued', reason: '', since: 2_000, newRun: true });
  });
});

test('a new life knows its gateway and nothing else', () => {
  expect(newLife(gateway)).toStrictEqual({
    gateway,
    entered: [],
    record: undefined,
    skipped: [],
    left: [],
    stateKeptUntil: 0,
  });
});
