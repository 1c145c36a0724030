import { describe, expect, test } from 'vitest';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import type { GatewayRecord } from '../../../src/domain/gateway/reading.js';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { bounded } from '../../../src/workflows/saga/bounded-result.js';
import { newLife } from '../../../src/workflows/record/life.js';
import { emptyState, type GatewayState } from '../../../src/workflows/record/state.js';
import { lookedDown } from '../../../src/workflows/saga/look-again.js';
import type { OperationResult } from '../../../src/wire/operation.js';
import { beginOperation, endOperation } from '../../../src/workflows/entity/begin-end.js';
import { provisionSteps } from '../../../src/workflows/provision/operation.js';
import { testSpec } from '../../world/open-test-world.js';

const life: Gateway = {
  mark: { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 },
  place: { provider: 'local', host: 'local' },
  spec: testSpec,
  tokenGeneration: 1,
  deviceGeneration: 1,
};
const nothing = { entered: [], skipped: [], left: [], record: undefined };

function ready(): GatewayState {
  const entered = provisionSteps.map((step) => ({ step, unsettledUntil: 0 }));
  return { ...emptyState(2, 1_000), life: { ...newLife(life), entered }, phase: 'ready', alone: true };
}

const provision = {
  kind: 'provision',
  requestId: 'again',
  origin: 'test',
  place: life.place,
  spec: testSpec,
  birth: '7k3fq2',
  how: 'new',
} as const;
const record = { version: testSpec.release, keyId: 'k' } as GatewayRecord;

function rotate(state: GatewayState, requestId: string, result: Partial<OperationResult>): void {
  const request = { kind: 'rotate', requestId, origin: 'test', reclaim: true, evict: false } as const;
  acceptRequest(state, request, 'abcdefghij', 'g42', 1_000);
  end(state, result);
}

/** What waits begins, and ends so. */
function end(state: GatewayState, result: Partial<OperationResult>): void {
  const begun = beginOperation(state, 2_000);
  if (!begun) throw new Error('nothing began');
  endOperation(state, begun, { outcome: 'done', reason: '', tokenGeneration: 1, ...nothing, ...result }, 3_000);
}

describe('a gateway that did not serve when a change had come to nothing', () => {
  test('is ready once a change of it is done that reads it back as a whole', () => {
    const state = ready();
    const down = lookedDown('gateway g42 refuses the token of generation 1. See docs/runbook.md#token-mismatch', 'g42');
    rotate(state, 'one', { outcome: 'undone', reason: 'check rotation: more than one source of truth', down });
    expect(state).toMatchObject({ phase: 'degraded', reason: down });
    rotate(state, 'two', { record });
    expect(state).toMatchObject({ phase: 'ready', reason: '', life: { left: [] } });
  });

  test.each([
    ['a repair that its own token refused', 'pair operator: gateway g42 refuses the token of generation 1', 'ready'],
    ['a repair that found no room', 'check host: host local has 12 MB of free disk', 'ready'],
    ['a repair that saw a channel refused', 'probe channels: channel telegram refused its token', 'degraded'],
    ['a repair that could not set the restart policy', 'keep running: the engine says no', 'degraded'],
  ])('after %s is what a change that reads it back has seen', (_why, reason, phase) => {
    for (const outcome of ['done', 'undone'] as const) {
      const state = ready();
      acceptRequest(state, provision, 'abcdefghij', 'g42', 1_000);
      end(state, { outcome: 'stopped', reason });
      expect(state).toMatchObject({ phase: 'degraded', reason });
      rotate(state, outcome, { outcome, record });
      expect(state).toMatchObject({ phase, reason: phase === 'ready' ? '' : reason });
    }
  });

  test('stays degraded when the look after a change that came to nothing does not see it serve', () => {
    const state = ready();
    rotate(state, 'one', { outcome: 'undone', down: lookedDown('exit 1', 'g42') });
    const down = lookedDown('exit 137', 'g42');
    rotate(state, 'two', { outcome: 'undone', record, down });
    expect(state).toMatchObject({ phase: 'degraded', reason: down });
  });

  test('says what is still left when only one of two things was mended', () => {
    const state = ready();
    const left = { step: 'set aside', kind: 'Refused', reason: 'the engine says no' };
    rotate(state, 'one', {
      outcome: 'left',
      reason: 'prove token: closed',
      left: [left, { ...left, step: 'apply token' }],
    });
    rotate(state, 'two', { record });
    expect(state).toMatchObject({ phase: 'degraded', reason: 'set aside: the engine says no', life: { left: [left] } });
  });

  test('is told one cure: its own, or the usual one', () => {
    expect(lookedDown('refused. See docs/runbook.md#token-mismatch', 'g42')).not.toContain('creel provision');
    expect(lookedDown('container oc-g42 does not run (exit 1)', 'g42')).toContain('`creel provision g42` repairs it');
  });
});

test('a result names every one of fifty devices that must pair again, and little of everything else', () => {
  const ids = Array.from({ length: 50 }, (_, index) => `${index}`.padStart(12, '0'));
  const proof = `must pair again: ${ids.map((id) => `${id} (${'n'.repeat(60)}, openclaw-ios, ios)`).join('; ')}`;
  const proofs = ['list devices', 'apply token'].map((step) => ({ at: '', step, proof }));
  const result: OperationResult = { outcome: 'done', reason: '', tokenGeneration: 2, ...nothing, proofs };
  const [named, other] = bounded(result).proofs ?? [];
  expect(ids.filter((id) => !named?.proof.includes(id))).toEqual([]);
  expect(other?.proof.length).toBeLessThan(700);
});
