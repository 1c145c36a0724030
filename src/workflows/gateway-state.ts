import type { Gateway } from '../domain/gateway.js';
import type { GatewayRecord } from '../domain/gateway-record.js';
import type { Limits } from './limits.js';
import type { OperationResult } from './operation.js';
import type { Entered, Left, OperationKind, OperationOutcome, Phase } from './requests.js';
import { provisionSteps, stateStep, stepsOf } from './steps.js';

/** An operation that waits or runs. */
export type Queued = { readonly number: number; readonly kind: OperationKind; readonly purge: boolean };

/** A request that was accepted once, and what carries it out. */
type Answered = {
  readonly requestId: string;
  /** The request without its proposed birth, which each sender makes up anew. */
  readonly content: string;
  readonly operation: number;
  readonly at: number;
  /** How that operation ended, once it has. */
  readonly end?: End;
};

/** How an operation ended. */
export type End = { readonly kind: OperationKind; readonly birth: string; readonly outcome: OperationOutcome };

type Ended = End & { readonly number: number; readonly reason: string };

/** What continue-as-new carries: plain JSON, version 1. */
export type GatewayState = {
  version: 1;
  life: Gateway | undefined;
  phase: Phase;
  since: number;
  reason: string;
  entered: readonly Entered[];
  record: GatewayRecord | undefined;
  skipped: readonly string[];
  left: readonly Left[];
  /** Epoch ms; 0 when no state of a removed gateway is kept. */
  stateKeptUntil: number;
  nextOperation: number;
  queue: Queued[];
  running: Queued | undefined;
  ended: Ended[];
  answered: Answered[];
  /** A new life begins in a run of its own. */
  newRun: boolean;
  /** Whether operations that another entity of this id left open are known to have ended. */
  alone: boolean;
};

/** The state of an entity that has done nothing yet. */
export function emptyState(firstOperation: number, now: number): GatewayState {
  return {
    version: 1,
    life: undefined,
    phase: 'none',
    since: now,
    reason: '',
    entered: [],
    record: undefined,
    skipped: [],
    left: [],
    stateKeptUntil: 0,
    nextOperation: firstOperation,
    queue: [],
    running: undefined,
    ended: [],
    answered: [],
    newRun: false,
    alone: false,
  };
}

/** Nothing that waits is carried out any more. */
export function withdrawQueue(state: GatewayState, reason: string): void {
  for (const each of state.queue) remember(state, each, 'withdrawn', reason);
  state.queue = [];
}

/** The operation of this kind that waits, if any. */
export function join(state: GatewayState, kind: OperationKind): number | undefined {
  return state.queue.find((each) => each.kind === kind)?.number;
}

/** Puts an operation at the end of the queue. */
export function push(state: GatewayState, kind: OperationKind, purge: boolean): number {
  const number = state.nextOperation;
  state.nextOperation += 1;
  state.queue.push({ number, kind, purge });
  return number;
}

/** The next operation begins. */
export function beginOperation(state: GatewayState, now: number): Queued | undefined {
  const next = state.queue.shift();
  if (!next) return undefined;
  state.running = next;
  const phases: Record<OperationKind, Phase> = {
    provision: 'provisioning',
    restore: 'provisioning',
    'take-up': 'provisioning',
    repair: 'repairing',
    remove: 'removing',
    purge: 'removing',
  };
  setPhase(state, phases[next.kind], '', now);
  return next;
}

/** The steps an operation gets, and whether it leaves the customer's state. */
export function operationSteps(state: GatewayState, operation: Queued): string[] {
  const keep = !operation.purge && (state.life?.spec.keepStateMs ?? 0) > 0;
  return stepsOf(
    operation.kind,
    state.entered.map(({ step }) => step),
    keep,
  );
}

/** The running operation ended: what is true of the gateway now. */
export function endOperation(state: GatewayState, operation: Queued, result: OperationResult, now: number): void {
  state.running = undefined;
  remember(state, operation, result.outcome, result.reason);
  state.entered = result.entered;
  state.left = result.left;
  if (operation.kind === 'remove' || operation.kind === 'purge') return endRemoval(state, operation, result, now);
  if (operation.kind === 'take-up' && result.tokenGeneration === undefined)
    return endVainTakeUp(state, result.reason, now);
  state.skipped = result.skipped;
  if (result.record) state.record = result.record;
  if (result.tokenGeneration !== undefined && state.life) {
    state.life = { ...state.life, tokenGeneration: result.tokenGeneration };
  }
  const phases: Partial<Record<OperationOutcome, Phase>> = { done: 'ready', undone: 'removed', left: 'removed' };
  const phase = phases[result.outcome] ?? 'degraded';
  if (phase === 'removed' && !isRemoving(state)) withdrawQueue(state, 'the gateway that it was for did not come to be');
  setPhase(state, phase, result.reason, now);
}

/** A take-up that never got to its life holds nothing of it; a removal that waits goes over everything there may be. */
function endVainTakeUp(state: GatewayState, reason: string, now: number): void {
  if (isRemoving(state)) {
    state.entered = provisionSteps.map((step) => ({ step, unsettledUntil: 0 }));
    return setPhase(state, 'degraded', reason, now);
  }
  withdrawQueue(state, reason);
  state.life = undefined;
  state.entered = [];
  setPhase(state, 'none', reason, now);
}

function endRemoval(state: GatewayState, operation: Queued, result: OperationResult, now: number): void {
  const kept = !operation.purge && result.entered.some(({ step }) => step === stateStep);
  const keepMs = state.life?.spec.keepStateMs ?? 0;
  state.stateKeptUntil = result.outcome === 'done' && kept && keepMs > 0 ? now + keepMs : 0;
  state.record = undefined;
  const until = state.stateKeptUntil > 0 ? `state kept until ${new Date(state.stateKeptUntil).toISOString()}` : '';
  setPhase(state, state.life ? 'removed' : 'none', result.reason === '' ? until : result.reason, now);
}

/**
 * The running operation was lost (terminated by hand): what it entered is unknown, so everything on the list counts as
 * entered and unsettled. One that began a life, or ended one, is followed by a removal before anything else; of any other
 * what existed stays.
 */
export function loseOperation(
  state: GatewayState,
  operation: Queued,
  reason: string,
  limits: Limits,
  now: number,
): void {
  state.running = undefined;
  remember(state, operation, 'stopped', reason);
  if (!state.life) return setPhase(state, 'none', reason, now);
  const unsettledUntil = now + Math.max(limits.actMs, limits.undoMs) + limits.settleMs;
  const names = operation.kind === 'purge' ? [stateStep] : provisionSteps;
  state.entered = names.map((step) => ({ step, unsettledUntil }));
  if (operation.kind === 'repair' || operation.kind === 'restore' || operation.kind === 'take-up') {
    setPhase(state, 'degraded', reason, now);
    return;
  }
  setPhase(state, 'queued', reason, now);
  if (!isRemoving(state)) withdrawQueue(state, reason);
  const purge = operation.kind === 'provision' || operation.purge;
  const kind = operation.kind === 'purge' ? 'purge' : 'remove';
  state.queue.unshift({ number: state.nextOperation, kind, purge });
  state.nextOperation += 1;
}

/** The number of the running operation was taken by an earlier run: the next one, never adoption. */
export function renumber(state: GatewayState, operation: Queued): Queued {
  const again = { ...operation, number: state.nextOperation };
  state.nextOperation += 1;
  state.running = again;
  state.answered = state.answered.map((each) =>
    each.operation === operation.number ? { ...each, operation: again.number } : each,
  );
  return again;
}

/** Kept state whose time has come is let go. */
export function expireState(state: GatewayState, now: number): void {
  if (state.stateKeptUntil > 0 && now >= state.stateKeptUntil && !join(state, 'purge')) push(state, 'purge', true);
}

/** Forgets request ids that are older than the limit. */
export function forgetOld(state: GatewayState, limits: Limits, now: number): void {
  const active = new Set([...state.queue, ...(state.running ? [state.running] : [])].map(({ number }) => number));
  state.answered = state.answered.filter((each) => now - each.at < limits.forgetAfterMs || active.has(each.operation));
}

export function isAlive(state: GatewayState): boolean {
  return state.life !== undefined && !['removed', 'none'].includes(state.phase);
}

/** Whether a removal runs or waits. */
export function isRemoving(state: GatewayState): boolean {
  return [...state.queue, ...(state.running ? [state.running] : [])].some(
    ({ kind }) => kind === 'remove' || kind === 'purge',
  );
}

/** What is true of the gateway from now on. */
export function setPhase(state: GatewayState, phase: Phase, reason: string, now: number): void {
  if (state.phase !== phase) state.since = now;
  state.phase = phase;
  state.reason = reason;
}

function remember(state: GatewayState, operation: Queued, outcome: OperationOutcome, reason: string): void {
  const end = { kind: operation.kind, birth: state.life?.mark.birth ?? 'none', outcome };
  state.ended.push({ ...end, number: operation.number, reason });
  if (state.ended.length > 20) state.ended.shift();
  state.answered = state.answered.map((each) => (each.operation === operation.number ? { ...each, end } : each));
}
