import { expect, test } from 'vitest';
import { turnOf } from '../../../src/client/follow/turn.js';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { beginOperation } from '../../../src/workflows/entity/begin-end.js';
import { describeState, detailsOf } from '../../../src/workflows/record/describe.js';
import { emptyState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import type { GatewayStart, ProvisionRequest, Request } from '../../../src/wire/requests.js';
import type { Park } from '../../../src/wire/park.js';
import { testSpec } from '../../world/open-test-world.js';

const place = { provider: 'local', host: 'local' } as const;
const asked = { requestId: 'r1', origin: 'test', place } as const;
const provision: ProvisionRequest = { ...asked, kind: 'provision', spec: testSpec, birth: 'aaaaaa', how: 'new' };
const start: GatewayStart = { layout: 1, deployment: 'd', gateway: 'g42', limits: defaultLimits, request: provision };
const times = { since: '2026-11-28T09:00:00.000Z', until: '2026-11-28T09:30:00.000Z' };
const parked: Park = {
  ...times,
  number: '1.1',
  step: 'join network',
  doing: 'do',
  reason: 'port 19123 is taken',
  answers: ['retry'],
};

test('whoever waits behind a parked operation is told so, and where its answers are shown', () => {
  const state = emptyState(1, 0);
  const ask = (request: Request) => acceptRequest(state, request, 'd', 'g42', 0).operation;
  ask(provision);
  beginOperation(state, 0);
  const operation = ask({ ...asked, kind: 'rotate', requestId: 'r2', reclaim: false, evict: false });
  expect(turnOf(describeState(start, state, undefined), 1)).toEqual({ waitingFor: 'its start' });
  expect(turnOf(describeState(start, state, undefined), operation)).toEqual({
    waitingFor: 'the end of operation 1 (provision)',
  });
  expect(turnOf(describeState(start, state, parked), operation)).toEqual({
    waitingFor:
      'the end of operation 1 (provision), which is parked and waits for a person: `creel describe g42` shows the answers that it takes',
  });
  expect(turnOf(describeState(start, state, undefined), 9)).toBeUndefined();
});

test('whoever waits for an undo that may still land is told until when, and who waits behind it is not', () => {
  const state = emptyState(1, 0);
  const ask = (request: Request) => acceptRequest(state, request, 'd', 'g42', 0).operation;
  ask(provision);
  if (state.life) state.life.unsettledUntil = Date.parse(times.until);
  const second = ask({ ...asked, kind: 'rotate', requestId: 'r2', reclaim: false, evict: false });
  const told = describeState(start, state, undefined);
  const why = 'a lost attempt of an earlier operation may still land';
  expect(turnOf(told, 1)).toEqual({ waitingFor: `${times.until}: until then ${why}` });
  expect(turnOf(told, second)).toEqual({ waitingFor: '2 operations before it' });
  expect(detailsOf(start, state, undefined)).toContain(`held until ${times.until}: ${why}`);
  beginOperation(state, 0);
  expect(describeState(start, state, undefined).held).toBeUndefined();
});
