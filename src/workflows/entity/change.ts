import type { Change } from '../../domain/changes/change.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import type { ChangeRequest } from '../../wire/change-requests.js';
import { isOfDrop } from '../replace/drop-state.js';
import { endsWithReading, hasChannels, isOfChannels, isOfLeft } from '../looks/look-down.js';
import { addLeft, comesFirst, forgetOwed, takeFromLeft } from '../record/owed.js';
import { isRemoving, join, remember, setPhase, type GatewayState, type Queued } from '../record/state.js';
import type { Limits } from '../../wire/limits.js';
import type { Left, OperationResult } from '../../wire/operation.js';
import type { Phase } from '../../wire/description.js';
import { applyPairing, planDenial, planPairing, planUnpairing } from '../pair/operation.js';
import {
  applyDrop,
  applyReplacement,
  endReplacement,
  isReplacement,
  planDrop,
  planRollback,
  planUpgrade,
  unsettle,
} from '../replace/operation.js';
import { applyReconfiguration, planReshape } from '../reconfigure/operation.js';
import { applyRotation, planRotation } from '../rotate/operation.js';
import { registry, stepsOfChange, type ChangeKind } from '../operations.js';

const phases: Readonly<Record<ChangeKind, Phase>> = {
  rotate: 'rotating',
  pair: 'pairing',
  deny: 'pairing',
  unpair: 'pairing',
  upgrade: 'upgrading',
  rollback: 'upgrading',
  change: 'changing',
  'drop-snapshot': 'changing',
};

/** A change begins: what it is to come to is decided and burned first. One whose time is over is withdrawn. */
export function beginChange(
  state: GatewayState,
  queued: Queued,
  asked: ChangeRequest,
  now: number,
): Queued | undefined {
  if (asked.latestStart !== undefined && now > asked.latestStart) {
    remember(state, queued, 'withdrawn', `it had not begun by ${new Date(asked.latestStart).toISOString()}`);
    return undefined;
  }
  if (!state.life) {
    remember(state, queued, 'withdrawn', 'the gateway that it was for is gone');
    return undefined;
  }
  const first = comesFirst(state);
  if (first) {
    remember(state, queued, 'withdrawn', owedFirst(state.life.mark.gateway, first));
    return undefined;
  }
  const change = plan(asked.kind, state, state.life, asked, now);
  if (typeof change === 'string') {
    remember(state, queued, 'withdrawn', change);
    return undefined;
  }
  state.resting ??= { phase: state.phase, reason: state.reason };
  const { asked: _asked, ...rest } = queued;
  state.running = { ...rest, change };
  setPhase(state, phases[asked.kind], '', now);
  return state.running;
}

/** Decides what a change comes to, from the record alone; a sentence says why it comes to nothing any more. */
const plans: { readonly [K in ChangeKind]: Plan<K> } = {
  rotate: planRotation,
  pair: planPairing,
  deny: planDenial,
  unpair: planUnpairing,
  upgrade: planUpgrade,
  rollback: planRollback,
  change: planReshape,
  'drop-snapshot': planDrop,
};

function plan<K extends ChangeKind>(kind: K, ...told: Parameters<Plan<K>>): Change | string {
  const planOne: Plan<K> = plans[kind];
  return planOne(...told);
}

/** Puts into the record what a change that is done has come to. */
const applications: { readonly [K in Change['kind']]: Application<K> } = {
  rotate: applyRotation,
  pair: applyPairing,
  deny: () => undefined, // a request that is gone is on no record
  unpair: () => undefined, // taken off the record when it began
  upgrade: applyReplacement,
  rollback: applyReplacement,
  change: applyReplacement,
  reconfigure: applyReconfiguration,
  'drop-snapshot': applyDrop,
};

function apply<K extends Change['kind']>(kind: K, ...told: Parameters<Application<K>>): void {
  const applyOne: Application<K> = applications[kind];
  applyOne(...told);
}

type RequestOf = { readonly [K in ChangeKind]: Extract<ChangeRequest, { kind: K }> };
type ChangeOf = { readonly [K in Change['kind']]: Extract<Change, { kind: K }> };
type Plan<K extends ChangeKind> = (
  state: GatewayState,
  life: Gateway,
  asked: RequestOf[K],
  now: number,
) => Change | string;
type Application<K extends Change['kind']> = (
  state: GatewayState,
  life: Gateway,
  change: ChangeOf[K],
  now: number,
  result: OperationResult,
) => void;

/** A change ended: done, it is what the record says from now on; otherwise what was before still is. */
export function endChange(
  state: GatewayState,
  operation: Queued,
  change: Change,
  result: OperationResult,
  now: number,
): void {
  const resting = state.resting ?? { phase: 'ready', reason: '' };
  const isWayBack = operation.kind === 'way-back';
  delete state.resting;
  if (isWayBack) forgetOwed(state);
  if (isReplacement(change)) endReplacement(state, operation, change, result);
  if (result.outcome === 'stopped') owe(state, change, result);
  if (result.outcome === 'left') {
    owe(state, change, result);
    if (isReplacement(change) && !isWayBack && join(state, 'repair') !== undefined) queueOwed(state);
    addLeft(state, change, isWayBack, result.left);
    return setPhase(state, 'degraded', result.reason, now);
  }
  if (result.record) state.record = result.record;
  if (result.outcome === 'done' && !isWayBack && state.life) apply(change.kind, state, state.life, change, now, result);
  const readBack = provesOtherwise(state, result, resting.reason);
  if (result.record && hasChannels(result.record)) state.skipped = state.skipped.filter((step) => !isOfChannels(step));
  const mended =
    result.outcome === 'done'
      ? mend(state, change, isWayBack, result, resting.reason) || readBack
      : result.outcome === 'undone' && readBack;
  if (result.down !== undefined) return setPhase(state, 'degraded', result.down, now);
  if (mended && state.left.length === 0 && state.skipped.length === 0) return setPhase(state, 'ready', '', now);
  const stays = sayLeft(state.left);
  setPhase(state, resting.phase, mended && stays !== '' ? stays : resting.reason, now);
}

/** Whether the gateway was read back and is not what it was degraded for. */
function provesOtherwise({ life }: GatewayState, { record, down }: OperationResult, wrong: string): boolean {
  return record !== undefined && down === undefined && endsWithReading(wrong, record, life?.spec.release ?? '');
}

/** What is left behind, as the reason of a record. */
export function sayLeft(left: readonly Left[]): string {
  return left.map(({ step, reason }) => `${step}: ${reason}`).join('; ');
}

/** What a way back did not come to is still to be undone, whatever kept it from its end. */
function owe(state: GatewayState, change: Change, { entered, deviceId }: OperationResult): void {
  const undoable = entered.filter(({ step }) => registry[step]?.undo);
  if (undoable.length === 0) return;
  const isKnown = change.kind === 'pair' && deviceId !== undefined;
  state.owed = isKnown ? { ...change, wanted: { deviceId } } : change;
  state.backFrom = entered;
}

/**
 * A change that ended well leaves nothing of what an earlier one could not take back and it has made good; true when that was wrong
 * with the gateway. A new container is proved as a whole, whatever was wrong with the previous one, but for channels that did not connect.
 */
function mend(
  state: GatewayState,
  change: Change,
  isWayBack: boolean,
  result: OperationResult,
  wrong: string,
): boolean {
  const before = state.left.length;
  takeFromLeft(state, change, isWayBack, result);
  if (change.kind === 'drop-snapshot') return before > 0 && isOfDrop(wrong);
  return (before > 0 && isOfLeft(wrong)) || (isReplacement(change) && !isWayBack && !isOfChannels(wrong));
}

/** A repair was asked for: a way back that is still owed comes before it, because a container must not start on another's state. */
export function queueOwed(state: GatewayState): void {
  if (!state.owed || state.queue.some(({ kind }) => kind === 'way-back')) return;
  state.queue.unshift({ number: state.nextOperation, kind: 'way-back', purge: false, change: state.owed });
  state.nextOperation += 1;
}

/** Why nothing else happens to a gateway that could not be brought back. */
export function owedFirst(gateway: string, { kind }: Change): string {
  return `an earlier ${kind} of ${gateway} could not be taken back. \`creel provision ${gateway}\` goes on with the way back, which comes first`;
}

/** The same to whoever asks while the way back waits or runs: it is what may be parked and want an answer. */
export function owedBehind(state: GatewayState, gateway: string, owed: Change): string {
  const back = [...(state.running ? [state.running] : []), ...state.queue].find(({ kind }) => kind === 'way-back');
  if (!back) return owedFirst(gateway, owed);
  return `an earlier ${owed.kind} of ${gateway} is being taken back (operation ${back.number}), which comes first. \`creel describe ${gateway}\` shows how that stands, and the answers that it takes where it is parked`;
}

/** The run of a change was lost: its own list is unwound before anything else happens, unless the gateway is being removed. */
export function loseChange(state: GatewayState, change: Change, reason: string, limits: Limits, now: number): void {
  const unsettledUntil = now + Math.max(limits.actMs, limits.waitMs, limits.undoMs) + limits.settleMs;
  if (!comesFirst(state)) delete state.owed; // What an earlier one left stays named.
  state.backFrom = stepsOfChange(change).map((step) => ({ step, unsettledUntil }));
  if (isReplacement(change)) unsettle(state, unsettledUntil);
  setPhase(state, 'degraded', reason, now);
  if (isRemoving(state)) return oweLost(state, change);
  const number = state.nextOperation;
  state.nextOperation += 1;
  state.queue.unshift({ number, kind: 'way-back', purge: false, change });
}

/** A removal comes before the way back of a change whose run was lost: where the state is kept, it is still to be taken back. */
export function oweLost(state: GatewayState, change: Change): void {
  if (!isReplacement(change) && stepsOfChange(change).some((step) => registry[step]?.undo)) state.owed = change;
}
