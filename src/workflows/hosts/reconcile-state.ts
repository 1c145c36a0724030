import { fingerprint } from '../../domain/fingerprint.js';
import { sweepNames, sweepRemembers, sweepRemoves } from '../../domain/thresholds.js';
import type { Drifted, DriftPage, ReconcileMemory, ReconcileResult, ReconcileStart } from '../../wire/reconcile.js';
import type { SweptEngine } from '../../wire/sweep.js';

/** How far a reconciliation is: plain JSON, of a size that does not grow with the fleet. */
export type ReconcileState = {
  engines: SweptEngine[];
  after: string;
  readonly before?: ReconcileMemory;
  ready: number;
  readonly unasked: { engine: string; reason: string }[];
  drifted: Drifted[];
  /** Those that are still to be asked for a repair. */
  repairs: Drifted[];
  readonly known: [key: string, since: number][];
  readonly counts: { drifted: number; news: number; repairs: number };
};

/** A reconciliation that has looked at nothing yet. */
export function newReconciliation({ engines, memory }: ReconcileStart): ReconcileState {
  return {
    engines: [...engines],
    after: '',
    ...(memory && { before: memory }),
    ready: 0,
    unasked: [],
    drifted: [],
    repairs: [],
    known: [],
    counts: { drifted: 0, news: 0, repairs: 0 },
  };
}

/** What a page has shown; the next one begins behind it, or on the next engine. */
export function turnDriftPage(state: ReconcileState, page: DriftPage, now: number): void {
  const before = new Map(state.before?.known);
  state.ready += page.ready;
  for (const each of page.drifted) {
    const key = keyOf(each);
    const since = before.get(key) ?? now;
    state.counts.drifted += 1;
    if (!before.has(key)) state.counts.news += 1;
    if (state.known.length < sweepRemembers) state.known.push([key, since]);
    const named = { ...each, since };
    state.drifted = [...state.drifted, named]
      .toSorted((one, other) => (other.since ?? 0) - (one.since ?? 0))
      .slice(0, sweepNames);
    if (each.repairs) state.repairs = [...state.repairs, named].slice(0, sweepRemoves);
  }
  for (const each of page.unasked ?? []) if (state.unasked.length < sweepNames) state.unasked.push(each);
  state.after = page.next ?? '';
  if (page.next === undefined) state.engines.shift();
}

/** An engine that cannot be looked at is left out, with the reason. */
export function passOver(state: ReconcileState, reason: string): void {
  const [on] = state.engines;
  if (on) state.unasked.push({ engine: on.engine, reason });
  state.engines.shift();
  state.after = '';
}

/** A repair was asked for, or there is a reason why not. */
export function noteRepair(state: ReconcileState, drifted: Drifted, why: string | undefined): void {
  state.repairs = state.repairs.filter((each) => each !== drifted);
  if (why === undefined) state.counts.repairs += 1;
  const done = why ?? 'asked for a repair';
  state.drifted = state.drifted.map((each) => (keyOf(each) === keyOf(drifted) ? { ...each, done } : each));
}

/** What the reconciliation came to. What an engine that could not be asked had is remembered as it was. */
export function reconcileResult(state: ReconcileState, dryRun: boolean, now: number): ReconcileResult {
  const { ready, unasked, drifted, counts, known, before } = state;
  const keys = new Set(known.map(([key]) => key));
  const kept = unasked.length > 0 ? (before?.known ?? []).filter(([key]) => !keys.has(key)) : [];
  return {
    dryRun,
    at: new Date(now).toISOString(),
    ready,
    unasked,
    drifted,
    counts,
    memory: { known: [...known, ...kept].slice(0, sweepRemembers) },
  };
}

function keyOf({ gateway, birth, drifts }: Drifted): string {
  return fingerprint([gateway, birth, ...drifts].join('\n')).slice(0, 12);
}
