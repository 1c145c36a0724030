import type { Gateway } from '../../domain/gateway/gateway.js';
import { leftLength } from '../../domain/thresholds.js';
import { bounded } from '../saga/bounded-result.js';
import { isLeftOfDrop, oweDrop, showDropping } from '../replace/drop-state.js';
import { isReplacement } from '../replace/operation.js';
import { beginChange, endChange, loseChange, owedFirst, queueOwed, sayLeft } from './change.js';
import { forgetOwed } from '../record/owed.js';
import { isRemoving, remember, setPhase, withdrawQueue, type GatewayState, type Queued } from '../record/state.js';
import { noteUnsettled, unsettledBefore } from '../record/unsettled.js';
import type { Limits } from '../../wire/limits.js';
import type { Entered, Left, OperationKind, OperationOutcome, OperationResult } from '../../wire/operation.js';
import type { Phase } from '../../wire/description.js';
import { burnForgotten } from '../rotate/operation.js';
import { provisionSteps, replacementOwns, stateStep, stepsOf, stepsOfChange } from '../operations.js';

/** The next operation begins. */
export function beginOperation(state: GatewayState, now: number): Queued | undefined {
  const next = state.queue.shift();
  if (!next) return undefined;
  if (next.asked) return beginChange(state, next, next.asked, now);
  if (next.kind === 'repair' && state.owed && isReplacement(state.owed)) {
    remember(state, next, 'withdrawn', owedFirst(state.life?.mark.gateway ?? 'the gateway', state.owed));
    return undefined;
  }
  state.running = next;
  const phases: Partial<Record<OperationKind, Phase>> = {
    provision: 'provisioning',
    restore: 'provisioning',
    'take-up': 'provisioning',
    repair: 'repairing',
    remove: 'removing',
    purge: 'removing',
  };
  setPhase(state, phases[next.kind] ?? 'repairing', '', now);
  return next;
}

/** Whether an operation removes a gateway and leaves the customer's state, if there is one. */
export function keepsState(state: GatewayState, { kind, purge, gone }: Queued): boolean {
  const keeps = kind === 'remove' && !purge && !gone && (state.life?.spec.keepStateMs ?? 0) > 0;
  return keeps && state.entered.some(({ step }) => step === stateStep);
}

/** The steps an operation gets, and whether it leaves the customer's state. */
export function operationSteps(state: GatewayState, operation: Queued): string[] {
  if (operation.change) return [...stepsOfChange(operation.change)];
  const keep = !operation.purge && (state.life?.spec.keepStateMs ?? 0) > 0;
  return stepsOf(
    operation.kind,
    state.entered.map(({ step }) => step),
    keep,
  );
}

/** What counts as entered when an operation begins: of a change only its own steps, of one that was lost every one of them. */
export function enteredBefore(state: GatewayState, operation: Queued): readonly Entered[] {
  if (operation.kind === 'way-back') return state.backFrom ?? [];
  if (operation.change) return [];
  return operation.kind === 'remove' || operation.kind === 'purge' ? unsettledBefore(state) : state.entered;
}

/** The running operation ended: what is true of the gateway now. */
export function endOperation(state: GatewayState, operation: Queued, told: OperationResult, now: number): void {
  const result = bounded(told);
  state.running = undefined;
  noteUnsettled(state, result.unsettledUntil);
  remember(state, operation, result.outcome, result.reason);
  if (operation.change) {
    endChange(state, operation, operation.change, result, now);
    return showDropping(state, now);
  }
  state.entered = result.entered;
  state.left = operation.kind === 'repair' ? stillLeft(state.left, result.left) : result.left;
  if (operation.kind === 'remove' || operation.kind === 'purge') return endRemoval(state, operation, result, now);
  if (operation.kind === 'take-up' && result.tokenGeneration === undefined)
    return endVainTakeUp(state, result.reason, now);
  if (result.savedBy !== undefined) state.nextOperation = Math.max(state.nextOperation, result.savedBy + 1);
  state.skipped = result.skipped;
  if (result.record) state.record = result.record;
  if (result.tokenGeneration !== undefined && state.life) {
    if (operation.kind === 'take-up') burnForgotten(state, result.tokenGeneration);
    state.life = withFound(state.life, operation, result, result.tokenGeneration);
  }
  const phases: Partial<Record<OperationOutcome, Phase>> = { done: 'ready', undone: 'removed', left: 'removed' };
  const phase = phases[result.outcome] ?? 'degraded';
  if (phase === 'removed' && !isRemoving(state)) withdrawQueue(state, 'the gateway that it was for did not come to be');
  setPhase(state, phase, result.reason, now);
  if (phase === 'ready') showLeft(state, now);
  if (state.dropping) state.dropping = { ...state.dropping, again: now };
  showDropping(state, now);
}

/** A repair undoes nothing: what an earlier way back had to leave is there as before. */
function stillLeft(before: readonly Left[], left: readonly Left[]): Left[] {
  const named = new Set(left.map(({ step }) => step));
  return [...before.filter(({ step }) => !named.has(step)), ...left].slice(-leftLength);
}

/** A gateway of which something is left behind is not `ready`, whatever else ended well. */
function showLeft(state: GatewayState, now: number): void {
  const left = state.left.filter((each) => !isLeftOfDrop(each));
  if (left.length > 0) setPhase(state, 'degraded', sayLeft(left), now);
}

/** The record with what an operation found out: only a take-up finds out the key. */
function withFound(life: Gateway, { kind }: Queued, { keyId }: OperationResult, tokenGeneration: number): Gateway {
  if (kind !== 'take-up') return { ...life, tokenGeneration };
  const { keyId: _proposed, ...rest } = life;
  return { ...rest, tokenGeneration, ...(keyId !== undefined && { keyId }) };
}

/** A take-up that never got to its life holds nothing of it; a removal that waits goes over everything there may be. */
function endVainTakeUp(state: GatewayState, reason: string, now: number): void {
  if (isRemoving(state)) {
    state.entered = [...provisionSteps, ...replacementOwns].map((step) => ({ step, unsettledUntil: 0 }));
    return setPhase(state, 'degraded', reason, now);
  }
  withdrawQueue(state, reason);
  state.life = undefined;
  state.entered = [];
  setPhase(state, 'none', reason, now);
}

function endRemoval(state: GatewayState, operation: Queued, result: OperationResult, now: number): void {
  if (result.vanished) state.entered = result.entered.filter(({ step }) => step !== stateStep);
  const kept = !operation.purge && state.entered.some(({ step }) => step === stateStep);
  const keepMs = state.life?.spec.keepStateMs ?? 0;
  state.stateKeptUntil = result.outcome === 'done' && kept && keepMs > 0 ? now + keepMs : 0;
  state.record = undefined;
  delete state.kept;
  delete state.dropping;
  delete state.resting;
  if (state.life && result.outcome === 'done') {
    const { underway: _underway, ...life } = state.life;
    state.life = result.keptRelease === undefined ? life : withRelease(life, result.keptRelease);
    if (state.stateKeptUntil === 0 || !state.owed || isReplacement(state.owed)) forgetOwed(state);
  }
  setPhase(
    state,
    state.life ? 'removed' : 'none',
    result.reason === '' ? saidOfState(state, result) : result.reason,
    now,
  );
}

/** What became of the state, as people read it in the record. */
function saidOfState({ stateKeptUntil }: GatewayState, { vanished }: OperationResult): string {
  if (vanished) return 'its state was gone already: none is kept';
  return stateKeptUntil > 0 ? `state kept until ${new Date(stateKeptUntil).toISOString()}` : '';
}

/** What is kept of it belongs to another release: that one takes it up again. */
function withRelease(life: Gateway, release: string): Gateway {
  return { ...life, spec: { ...life.spec, release } };
}

/**
 * What follows from an operation that ended: a change that was not taken back before the state was kept is taken back when the
 * gateway is there again, and what could not be let go is tried again.
 */
export function oweAfter(
  state: GatewayState,
  operation: Queued,
  result: OperationResult | undefined,
  now: number,
): void {
  const { kind, change } = operation;
  const serves = result?.outcome === 'done' || result?.outcome === 'degraded';
  if ((kind === 'restore' || kind === 'repair') && state.owed && serves) {
    state.resting ??= { phase: state.phase, reason: state.reason };
    queueOwed(state);
  }
  if (change?.kind === 'drop-snapshot' && result && stays(state, operation, result))
    oweDrop(state, change, result.reason, now);
}

/** Whether saved states that were to go are still there, of a gateway that goes on. */
export function stays(state: GatewayState, { kind, change }: Queued, result: OperationResult): boolean {
  const dropped = result.outcome === 'done' && kind !== 'way-back';
  return change?.kind === 'drop-snapshot' && !dropped && !isRemoving(state);
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
  if (operation.change) return loseChange(state, operation.change, reason, limits, now);
  const unsettledUntil = now + Math.max(limits.actMs, limits.undoMs) + limits.settleMs;
  const owned = state.entered.map(({ step }) => step).filter((step) => !provisionSteps.some((each) => each === step));
  const names = operation.kind === 'purge' ? [stateStep] : [...provisionSteps, ...owned];
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
