import { describe, expect, test } from 'vitest';
import type { Gateway } from '../../src/domain/gateway.js';
import type { GatewayRecord } from '../../src/domain/gateway-record.js';
import { acceptRequest } from '../../src/workflows/accept-request.js';
import { bounded } from '../../src/workflows/bounded-result.js';
import { emptyState, type GatewayState } from '../../src/workflows/gateway-state.js';
import { lookedDown } from '../../src/workflows/look-down.js';
import type { OperationResult } from '../../src/workflows/operation.js';
import { beginOperation, endOperation } from '../../src/workflows/operation-state.js';
import { provisionSteps } from '../../src/workflows/steps.js';
import { testSpec } from '../world/open-test-world.js';

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
  return { ...emptyState(2, 1_000), life, entered, phase: 'ready', alone: true };
}

function rotate(state: GatewayState, requestId: string, result: Partial<OperationResult>): void {
  const request = { kind: 'rotate', requestId, origin: 'test', reclaim: true, evict: false } as const;
  acceptRequest(state, request, 'abcdefghij', 'g42', 1_000);
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
    const record = { version: testSpec.release, keyId: 'k' } as GatewayRecord;
    rotate(state, 'two', { record });
    expect(state).toMatchObject({ phase: 'ready', reason: '', left: [] });
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
