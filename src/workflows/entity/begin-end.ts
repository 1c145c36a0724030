import { whySuspended } from '../../domain/changes/suspension.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { leftLength, recoveredKeptMs } from '../../domain/thresholds.js';
import { bounded } from '../saga/bounded-result.js';
import { isLeftOfDrop, oweDrop, showDropping } from '../replace/drop-state.js';
import { isReplacement, replacementOwns } from '../replace/operation.js';
import { beginChange, endChange, loseChange, owedFirst, queueOwed, sayLeft } from './change.js';
import { forgetOwed } from './owed.js';
import type { Life } from '../record/life.js';
import { changeIn, isRemoval, staysKept, type Begun, type Removal, type Upkeep } from '../record/queued.js';
import { isRemoving, remember, setPhase, takeNumber, withdrawQueue, type GatewayState } from '../record/state.js';
import { noteUnsettled, unsettledBefore } from '../record/unsettled.js';
import type { Limits } from '../../wire/limits.js';
import type { Entered, Left, OperationOutcome, OperationResult } from '../../wire/operation.js';
import type { Phase } from '../../wire/description.js';
import { burnForgotten } from '../rotate/operation.js';
import { machineStep, stateStep, stepsFor } from '../provision/operation.js';
import { operationOf, stepsOf, stepsOfChange } from '../operations.js';

/** The next operation begins. */
export function beginOperation(state: GatewayState, now: number): Begun | undefined {
  const next = state.queue.shift();
  if (!next) return undefined;
  if ('asked' in next) return beginChange(state, next, now);
  const { life } = state;
  if (next.kind === 'repair' && life?.owed && isReplacement(life.owed)) {
    remember(state, next, 'withdrawn', owedFirst(life.gateway.mark.gateway, life.owed));
    return undefined;
  }
  if (next.kind === 'repair' && life?.suspended) {
    remember(state, next, 'withdrawn', whySuspended(life.gateway.mark.gateway, life.suspended));
    return undefined;
  }
  if (next.kind === 'resume') delete life?.suspended; // Whatever ends it, it is to serve.
  state.running = next;
  const adopts = 'adopts' in next && next.adopts;
  setPhase(state, adopts ? 'adopting' : (operationOf(next.kind)?.phase ?? 'repairing'), '', now);
  return next;
}

/** Whether an operation removes a gateway and leaves the customer's state, if there is one. */
export function keepsState({ life }: GatewayState, operation: Begun): boolean {
  if (operation.kind !== 'remove' || operation.purge || operation.gone || !life) return false;
  return life.gateway.spec.keepStateMs > 0 && life.entered.some(({ step }) => step === stateStep);
}

/** The steps an operation gets, and whether it leaves the customer's state. */
export function operationSteps({ life }: GatewayState, operation: Begun): string[] {
  if ('change' in operation) return [...stepsOfChange(operation.change)];
  const purges = isRemoval(operation) && operation.purge;
  const keep = !purges && (life?.gateway.spec.keepStateMs ?? 0) > 0;
  const entered = life?.entered.map(({ step }) => step) ?? [];
  return stepsOf(operation.kind, entered, keep, life?.gateway.spec);
}

/** What counts as entered when an operation begins: of a change only its own steps, of one that was lost every one of them. */
export function enteredBefore({ life }: GatewayState, operation: Begun): readonly Entered[] {
  if (operation.kind === 'way-back') return life?.backFrom ?? [];
  if (!life || 'change' in operation) return [];
  return isRemoval(operation) ? unsettledBefore(life) : life.entered;
}

/** The running operation ended: what is true of the gateway now. */
export function endOperation(state: GatewayState, operation: Begun, told: OperationResult, now: number): void {
  const result = bounded(told);
  state.running = undefined;
  noteUnsettled(state, result.unsettledUntil);
  remember(state, operation, result.outcome, result.reason);
  const { life } = state;
  if (!life) return setPhase(state, 'none', result.reason, now);
  if ('change' in operation) {
    endChange(state, life, operation, result, now);
    return showDropping(state, now);
  }
  life.entered = result.entered;
  life.left =
    operation.kind === 'repair' || operation.kind === 'resume' ? stillLeft(life.left, result.left) : result.left;
  if (isRemoval(operation)) return endRemoval(state, life, operation, result, now);
  endUpkeep(state, life, operation, result, now);
}

function endUpkeep(state: GatewayState, life: Life, operation: Upkeep, result: OperationResult, now: number): void {
  if (operation.kind === 'take-up' && result.tokenGeneration === undefined)
    return endVainTakeUp(state, life, result.reason, now);
  if (result.savedBy !== undefined) state.nextOperation = Math.max(state.nextOperation, result.savedBy + 1);
  life.skipped = result.skipped;
  if (result.record) life.record = result.record;
  if (result.tokenGeneration !== undefined) {
    if (operation.kind === 'take-up') burnForgotten(life, result.tokenGeneration);
    life.gateway = withFound(life.gateway, operation, result, result.tokenGeneration);
  }
  if (result.kept && staysKept(operation)) return keepOn(state, life, operation.keptUntil, result.reason, now);
  const phases: Partial<Record<OperationOutcome, Phase>> = { done: 'ready', undone: 'removed', left: 'removed' };
  const phase = phases[result.outcome] ?? 'degraded';
  if (phase === 'removed' && !isRemoving(state)) withdrawQueue(state, 'the gateway that it was for did not come to be');
  setPhase(state, phase, result.reason, now);
  if (phase === 'ready') showLeft(state, life, now);
  if (life.dropping) life.dropping = { ...life.dropping, again: now };
  showDropping(state, now);
}

/**
 * A gateway that was removed has its record again: a restore takes it up, and its state is let go when its time has come;
 * a time that has passed meanwhile leaves a person a day to look.
 */
function keepOn(state: GatewayState, life: Life, until: number, why: string, now: number): void {
  life.stateKeptUntil = Math.max(until, now + recoveredKeptMs);
  const said = saidOfState(life, {});
  setPhase(state, 'removed', why === '' ? said : `${why}; ${said}`, now);
}

/** A repair undoes nothing: what an earlier way back had to leave is there as before. */
function stillLeft(before: readonly Left[], left: readonly Left[]): Left[] {
  const named = new Set(left.map(({ step }) => step));
  return [...before.filter(({ step }) => !named.has(step)), ...left].slice(-leftLength);
}

/** A gateway that has something left behind is not `ready`, even when everything else ended well. */
function showLeft(state: GatewayState, life: Life, now: number): void {
  const left = life.left.filter((each) => !isLeftOfDrop(each));
  if (left.length > 0) setPhase(state, 'degraded', sayLeft(left), now);
}

/** The record with what an operation found out: only a take-up finds out the key. */
function withFound(gateway: Gateway, { kind }: Upkeep, { keyId }: OperationResult, tokenGeneration: number): Gateway {
  if (kind !== 'take-up') return { ...gateway, tokenGeneration };
  const { keyId: _proposed, ...rest } = gateway;
  return { ...rest, tokenGeneration, ...(keyId !== undefined && { keyId }) };
}

/** A take-up that never got to its life holds nothing of it; a removal that waits goes over everything there may be. */
function endVainTakeUp(state: GatewayState, life: Life, reason: string, now: number): void {
  if (isRemoving(state)) {
    life.entered = [...wholeListOf(life), ...replacementOwns].map((step) => ({ step, unsettledUntil: 0 }));
    return setPhase(state, 'degraded', reason, now);
  }
  withdrawQueue(state, reason);
  state.life = undefined;
  setPhase(state, 'none', reason, now);
}

function endRemoval(state: GatewayState, life: Life, operation: Removal, result: OperationResult, now: number): void {
  if (result.vanished) life.entered = result.entered.filter(({ step }) => step !== stateStep);
  const kept = !operation.purge && life.entered.some(({ step }) => step === stateStep);
  const { keepStateMs } = life.gateway.spec;
  life.stateKeptUntil = result.outcome === 'done' && kept && keepStateMs > 0 ? now + keepStateMs : 0;
  life.record = undefined;
  delete life.former;
  delete life.dropping;
  delete life.resting;
  delete life.suspended;
  if (result.outcome === 'done') {
    const { underway: _underway, ...gateway } = life.gateway;
    life.gateway = result.keptRelease === undefined ? gateway : withRelease(gateway, result.keptRelease);
    if (life.stateKeptUntil === 0 || !life.owed || isReplacement(life.owed)) forgetOwed(life);
  }
  setPhase(state, 'removed', result.reason === '' ? saidOfState(life, result) : result.reason, now);
}

/** What became of the state, as people read it in the record. */
function saidOfState({ stateKeptUntil }: Life, { vanished }: Pick<OperationResult, 'vanished'>): string {
  if (vanished) return 'its state was gone already: none is kept';
  return stateKeptUntil > 0 ? `state kept until ${new Date(stateKeptUntil).toISOString()}` : '';
}

/** What is kept of it belongs to another release: that one takes it up again. */
function withRelease(gateway: Gateway, release: string): Gateway {
  return { ...gateway, spec: { ...gateway.spec, release } };
}

/**
 * What follows from an operation that ended: a change that was not taken back before the state was kept is taken back when the
 * gateway is there again, and what could not be let go is tried again.
 */
export function oweAfter(
  state: GatewayState,
  operation: Begun,
  result: OperationResult | undefined,
  now: number,
): void {
  const { life } = state;
  const { kind } = operation;
  const serves = result?.outcome === 'done' || result?.outcome === 'degraded';
  if ((kind === 'restore' || kind === 'repair' || kind === 'resume') && life?.owed && serves) {
    life.resting ??= { phase: state.phase, reason: state.reason };
    queueOwed(state);
  }
  const change = changeIn(operation);
  if (change?.kind === 'drop-snapshot' && life && result && stays(state, operation, result))
    oweDrop(state, life, change, result.reason, now);
}

/** Whether saved states that were to go are still there, of a gateway that goes on. */
export function stays(state: GatewayState, operation: Begun, result: OperationResult): boolean {
  const isDrop = changeIn(operation)?.kind === 'drop-snapshot';
  const dropped = result.outcome === 'done' && operation.kind !== 'way-back';
  return isDrop && !dropped && !isRemoving(state);
}

/**
 * The running operation was lost (terminated by hand): what it entered is unknown, so everything on the list counts as
 * entered and unsettled. One that began a life, or ended one, is followed by a removal before anything else; of any other
 * what existed stays.
 */
export function loseOperation(
  state: GatewayState,
  operation: Begun,
  reason: string,
  limits: Limits,
  now: number,
): void {
  state.running = undefined;
  remember(state, operation, 'stopped', reason);
  const { life } = state;
  if (!life) return setPhase(state, 'none', reason, now);
  if ('change' in operation) return loseChange(state, life, operation.change, reason, limits, now);
  const unsettledUntil = now + Math.max(limits.actMs, limits.undoMs) + limits.settleMs;
  const list = wholeListOf(life);
  const owned = life.entered.map(({ step }) => step).filter((step) => !list.includes(step));
  const { machine } = life.gateway.spec;
  const kept = machine ? [machineStep, stateStep] : [stateStep];
  const names = operation.kind === 'purge' ? kept : [...list, ...owned];
  life.entered = names.map((step) => ({ step, unsettledUntil }));
  if (['repair', 'restore', 'take-up', 'resume'].includes(operation.kind)) {
    setPhase(state, 'degraded', reason, now);
    return;
  }
  setPhase(state, 'queued', reason, now);
  if (!isRemoving(state)) withdrawQueue(state, reason);
  const { kind, purge } = isRemoval(operation) ? operation : ({ kind: 'remove', purge: true } as const);
  state.queue.unshift({ number: takeNumber(state), kind, purge });
}

/** Every step of a provision that may leave something, for what a lost run may have entered. */
function wholeListOf({ gateway }: Life): readonly string[] {
  const { machine } = gateway.spec;
  return stepsFor(machine ? { machine } : {});
}

/** The number of the running operation was taken by an earlier run: the next one, never adoption. */
export function renumber(state: GatewayState, operation: Begun): Begun {
  const again = { ...operation, number: takeNumber(state) };
  state.running = again;
  state.answered = state.answered.map((each) =>
    each.operation === operation.number ? { ...each, operation: again.number } : each,
  );
  return again;
}
