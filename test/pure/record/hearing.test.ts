import { expect, test } from 'vitest';
import { messagesMost } from '../../../src/domain/thresholds.js';
import { emptyState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import type { RemoveRequest } from '../../../src/wire/requests.js';
import { Hearing } from '../../../src/workflows/entity/hearing.js';

const removal: RemoveRequest = { kind: 'remove', requestId: 'r', origin: 'test', purge: false };
const deny = { kind: 'deny', requestId: 'd', origin: 'test', deviceId: 'x' } as const;
const idle = emptyState(1, 0);
const removing = { ...idle, queue: [{ number: 1, kind: 'remove', purge: false }] } as const satisfies typeof idle;

function afterMessages(count: number): Hearing {
  const hearing = new Hearing(defaultLimits);
  for (let said = 0; said < count; said += 1) hearing.count();
  return hearing;
}

test('a run of a record takes requests, then answers, then removals, below what a server takes', () => {
  expect(() => afterMessages(1_499).demandForRequest(idle, deny)).not.toThrow();
  expect(() => afterMessages(1_500).demandForRequest(idle, deny)).toThrow('was told 1500 things');
  expect(() => afterMessages(1_500).demandForWithdrawal(idle)).toThrow('was told 1500 things');
  expect(() => afterMessages(1_799).demandForAnswer(idle)).not.toThrow();
  expect(() => afterMessages(1_800).demandForAnswer(idle)).toThrow('was told 1800 things');
});

test('a removal is heard to the end, and once it is under way only one that lets more go', () => {
  const last = afterMessages(messagesMost - 1);
  expect(() => last.demandForRequest(idle, removal)).not.toThrow();
  expect(() => last.demandForRequest(removing, removal)).toThrow('its removal has been asked for');
  expect(() => last.demandForRequest(removing, { ...removal, purge: true })).not.toThrow();
  expect(() => afterMessages(1_700).demandForRequest(removing, removal)).not.toThrow();
});
