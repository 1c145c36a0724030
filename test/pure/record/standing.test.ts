import { beforeEach, describe, expect, test } from 'vitest';
import { gatewaySpec } from '../../../src/domain/gateway/spec.js';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { checkRequest } from '../../../src/workflows/entity/check.js';
import { describeState, detailsOf } from '../../../src/workflows/record/describe.js';
import { emptyState, type GatewayState } from '../../../src/workflows/record/state.js';
import { defaultLimits as limits } from '../../../src/wire/limits.js';
import { beginOperation, endOperation } from '../../../src/workflows/entity/begin-end.js';
import type { GatewayStart, Request } from '../../../src/wire/requests.js';
import type { OperationOutcome } from '../../../src/wire/operation.js';
import type { Park } from '../../../src/wire/park.js';
import { endHandOver } from '../../../src/workflows/rotate/operation.js';
import { checkWithdrawal, standingOf, withdraw } from '../../../src/workflows/record/standing.js';
import { refusal } from '../refusal.js';

const place = { provider: 'local', host: 'local' } as const;
const spec = gatewaySpec({
  release: '2026.9.6',
  dev: false,
  memoryMb: 2048,
  cpus: 2,
  keepStateMs: 0,
  parkMs: 0,
  channels: [],
});
const start: GatewayStart = { layout: 1, deployment: 'abcdefghij', gateway: 'g42', limits };

let state: GatewayState;

function ask(request: Request): void {
  checkRequest(state, request, limits);
  acceptRequest(state, request, 'abcdefghij', 'g42', 1_000);
}

function rotate(requestId: string): void {
  ask({ kind: 'rotate', requestId, origin: 'test', place, birth: 'aaaaaa', reclaim: false, evict: false });
}

function remove(requestId: string): void {
  ask({ kind: 'remove', requestId, origin: 'test', purge: false, place });
}

function end(outcome: OperationOutcome, reason = ''): void {
  const { running } = state;
  if (!running) throw new Error('nothing runs');
  endOperation(state, running, { outcome, reason, record: undefined, entered: [], skipped: [], left: [] }, 2_000);
}

function run(outcome: OperationOutcome): void {
  beginOperation(state, 1_500);
  end(outcome);
}

beforeEach(() => {
  state = emptyState(1, 0);
  ask({ kind: 'provision', requestId: 'first', origin: 'test', spec, place, birth: 'aaaaaa', how: 'new' });
  run('done');
});

describe('how a request stands', () => {
  test('is known from its acceptance to its end, with the reason', () => {
    rotate('r1');
    expect(standingOf(state, 'r1', undefined)).toMatchObject({ operation: 2, state: 'queued', gone: false });
    beginOperation(state, 1_500);
    expect(standingOf(state, 'r1', undefined)).toMatchObject({ state: 'running', birth: 'aaaaaa' });
    end('undone', 'prove token: no');
    expect(standingOf(state, 'r1', undefined)).toMatchObject({ state: 'undone', reason: 'prove token: no' });
  });

  test('of an unknown request is nothing', () => expect(standingOf(state, 'nobody', undefined)).toBeUndefined());

  test('shows a park while it is open, its own or of the one before it, and not after its end', () => {
    const park = { number: '2.1' } as Park;
    rotate('r1');
    expect(standingOf(state, 'r1', park)?.park).toBe(park);
    run('done');
    expect(standingOf(state, 'r1', park)?.park).toBeUndefined();
  });

  test('says that the life it was for has ended, is about to, or is another one now', () => {
    rotate('r1');
    remove('r2');
    expect(standingOf(state, 'r1', undefined)).toMatchObject({ state: 'withdrawn', gone: true });
    run('done');
    expect(standingOf(state, 'r1', undefined)?.gone).toBe(true);
    ask({ kind: 'provision', requestId: 'r3', origin: 'test', spec, place, birth: 'bbbbbb', how: 'new' });
    run('done');
    expect(standingOf(state, 'r1', undefined)).toMatchObject({ birth: 'aaaaaa', gone: true });
    expect(standingOf(state, 'r3', undefined)?.gone).toBe(false);
  });
});

describe('a withdrawal', () => {
  test('takes back what waits, says why, and nothing else; twice is once', () => {
    rotate('r1');
    rotate('r2');
    withdraw(state, 'r1', 'aborted');
    withdraw(state, 'r1', 'again');
    expect(standingOf(state, 'r1', undefined)).toMatchObject({ state: 'withdrawn', reason: 'aborted' });
    expect(state.queue.map(({ number }) => number)).toEqual([3]);
    rotate('r1');
    expect(state.queue).toHaveLength(1);
  });

  test('leaves what has begun', () => {
    rotate('r1');
    beginOperation(state, 1_500);
    withdraw(state, 'r1', 'aborted');
    expect(standingOf(state, 'r1', undefined)?.state).toBe('running');
  });

  test('is of changes alone: a removal or a repair may be what others wait for too', () => {
    rotate('r1');
    beginOperation(state, 1_500);
    ask({ kind: 'provision', requestId: 'r2', origin: 'test', spec, place, birth: 'aaaaaa', how: 'new' });
    remove('r3');
    withdraw(state, 'r3', 'aborted');
    expect(standingOf(state, 'r3', undefined)?.state).toBe('queued');
  });

  test('that names nothing is refused', () => {
    const odd: unknown = { requestId: 7, reason: '' };
    expect(refusal(() => checkWithdrawal(odd as never))).toContain('names a request');
  });
});

describe('a hand-over', () => {
  test('is due after a rotation, shown with its command, until somebody has that generation or a later one', () => {
    rotate('r1');
    run('done');
    expect(describeState(start, state, undefined).handOver).toEqual({
      generation: 2,
      since: new Date(2_000).toISOString(),
    });
    expect(detailsOf(start, state, undefined)).toContain('hand-over due: token generation 2');
    expect(detailsOf(start, state, undefined)).toContain('creel token show g42');
    endHandOver(state, 1);
    expect(describeState(start, state, undefined).handOver?.generation).toBe(2);
    endHandOver(state, 2);
    expect(describeState(start, state, undefined)).not.toHaveProperty('handOver');
    expect(detailsOf(start, state, undefined)).not.toContain('hand-over');
  });

  test('is not due of a gateway that was removed', () => {
    rotate('r1');
    run('done');
    remove('r2');
    run('done');
    expect(state.phase).toBe('removed');
    expect(describeState(start, state, undefined)).not.toHaveProperty('handOver');
    expect(detailsOf(start, state, undefined)).not.toContain('hand-over');
  });

  test('is not due after a rotation that went back', () => {
    rotate('r1');
    run('undone');
    expect(describeState(start, state, undefined).handOver).toBeUndefined();
  });
});
