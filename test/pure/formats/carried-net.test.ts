import { expect, test } from 'vitest';
import type { ReconcileMemory } from '../../../src/wire/reconcile.js';
import type { SweepMemory } from '../../../src/wire/sweep.js';
import {
  newReconciliation,
  reconcileResult,
  turnDriftPage,
  type ReconcileState,
} from '../../../src/workflows/hosts/reconcile-state.js';
import {
  decideSweep,
  newSweep,
  sweepResult,
  turnSweepPage,
  type SweepState,
} from '../../../src/workflows/hosts/sweep-state.js';

/*
 * What a sweep and a reconciliation carry when they continue as new, and hand on to the next in their results: written out, because a
 * newer creel goes on with what an older one began. Fields may be added, and be absent; none may be renamed or dropped.
 */

const volume = {
  engine: 'e1',
  kind: 'volume',
  name: 'oc-g1-7k3fq2-state',
  gateway: 'g1',
  birth: '7k3fq2',
  state: true,
} as const;
const handed: SweepMemory = { inventory: { e1: 7 }, reported: [['0a1b2c3d4e5f', 5]] };

const sweeping: Required<SweepState> = {
  phase: 'looking',
  engines: [{ engine: 'e1', was: ['e0'], attended: true }],
  after: 'g0/7k3fq2',
  was: { e1: ['e0'] },
  before: handed,
  looked: [{ engine: 'e1', things: 3, lives: 1 }],
  unasked: [{ engine: 'e2', reason: 'no worker stands beside it' }],
  foreign: { otherdeploy: 3 },
  remove: [{ ...volume, proof: 'removed, by its own record' }],
  stop: [{ ...volume, kind: 'container', name: 'oc-g1-7k3fq2', state: false }],
  removed: [{ ...volume, proof: 'removed, by its own record', stays: 'it is in use' }],
  stopped: [],
  reported: [{ ...volume, reason: 'no record', lost: true, since: 5 }],
  remembered: [['0a1b2c3d4e5f', 5]],
  counts: { remove: 1, stop: 1, report: 1, news: 0 },
  saves: 12,
  reason: '',
};

test('a sweep goes on with what was carried, and hands on what the next one reads', () => {
  expect(Object.keys(sweeping).toSorted()).toEqual(Object.keys(newSweep([], handed)).toSorted());
  const state: SweepState = JSON.parse(JSON.stringify(sweeping));
  turnSweepPage(state, { things: 3, lives: 1, remove: [], report: [], foreign: {} }, 9, 1);
  decideSweep(state, 2);
  const result = sweepResult(state, false);
  expect(result).toMatchObject({
    outcome: 'done',
    engines: [{ engine: 'e1', things: 6, lives: 2 }],
    counts: { remove: 1 },
  });
  expect(result.memory).toEqual({ inventory: { e1: 2 }, reported: [['0a1b2c3d4e5f', 5]] });
});

const known: ReconcileMemory = { known: [['0a1b2c3d4e5f', 5]] };
const drifted = { gateway: 'g1', birth: '7k3fq2', engine: 'e1', drifts: ['it does not run'], repairs: true, since: 5 };

const reconciling: Required<ReconcileState> = {
  engines: [{ engine: 'e1', attended: true }],
  after: 'g0',
  before: known,
  ready: 3,
  unasked: [],
  drifted: [{ ...drifted, done: 'asked for a repair' }],
  repairs: [drifted],
  known: [['0a1b2c3d4e5f', 5]],
  counts: { drifted: 1, news: 0, repairs: 0 },
};

test('a reconciliation goes on with what was carried, and hands on what the next one reads', () => {
  const begun = newReconciliation({ engines: [], memory: known });
  expect(Object.keys(reconciling).toSorted()).toEqual(Object.keys(begun).toSorted());
  const state: ReconcileState = JSON.parse(JSON.stringify(reconciling));
  turnDriftPage(state, { ready: 2, drifted: [] }, 9);
  const result = reconcileResult(state, false, 10);
  expect(result).toMatchObject({ ready: 5, counts: { drifted: 1 }, at: '1970-01-01T00:00:00.010Z', memory: known });
});
