import type { Change } from '../../domain/changes/change.js';
import { whySuspended } from '../../domain/changes/suspension.js';
import { Bug } from '../../domain/errors.js';
import { isOfDrop } from '../replace/drop-state.js';
import { endsWithReading, hasChannels, hasTurn, isOfChannels, isOfLeft, isOfTurn, notAnswered } from './look-down.js';
import { addLeft, comesFirst, forgetOwed, takeFromLeft } from './owed.js';
import type { Life } from '../record/life.js';
import type { AskedChange, BegunChange, WayBack } from '../record/queued.js';
import {
  isRemoving,
  join,
  openOperations,
  remember,
  setPhase,
  takeNumber,
  type GatewayState,
} from '../record/state.js';
import type { Limits } from '../../wire/limits.js';
import type { Left, OperationResult } from '../../wire/operation.js';
import { endReplacement, isReplacement, unsettle } from '../replace/operation.js';
import { changeOf, registry, stepsOfChange } from '../operations.js';

/** A change begins: what it is to come to is decided and burned first. One whose time is over is withdrawn. */
export function beginChange(state: GatewayState, queued: AskedChange, now: number): BegunChange | undefined {
  const { number, kind, asked } = queued;
  if (asked.latestStart !== undefined && now > asked.latestStart) {
    remember(state, queued, 'withdrawn', `it had not begun by ${new Date(asked.latestStart).toISOString()}`);
    return undefined;
  }
  const { life } = state;
  if (!life) {
    remember(state, queued, 'withdrawn', 'the gateway that it was for is gone');
    return undefined;
  }
  if (life.suspended && kind !== 'drop-snapshot') {
    remember(state, queued, 'withdrawn', whySuspended(life.gateway.mark.gateway, life.suspended));
    return undefined;
  }
  const first = comesFirst(state);
  if (first) {
    remember(state, queued, 'withdrawn', owedFirst(life.gateway.mark.gateway, first));
    return undefined;
  }
  const operation = changeOf(asked);
  if (!operation?.plan) throw new Bug(`a ${asked.kind} was let in, and nobody knows what it comes to`);
  const change = operation.plan(state, life, asked, now, number);
  if (typeof change === 'string') {
    remember(state, queued, 'withdrawn', change);
    return undefined;
  }
  life.resting ??= { phase: state.phase, reason: state.reason };
  const begun = { number, kind, change };
  state.running = begun;
  setPhase(state, operation.phase, '', now);
  return begun;
}

/** A change ended: done, it is what the record says from now on; otherwise what was before still is. */
export function endChange(
  state: GatewayState,
  life: Life,
  operation: BegunChange | WayBack,
  result: OperationResult,
  now: number,
): void {
  const { change } = operation;
  const resting = life.resting ?? { phase: 'ready', reason: '' };
  const isWayBack = operation.kind === 'way-back';
  delete life.resting;
  if (isWayBack) forgetOwed(life);
  if (isReplacement(change)) endReplacement(life, operation, change, result);
  if (result.outcome === 'stopped') owe(life, change, result);
  if (result.outcome === 'left') {
    owe(life, change, result);
    if (isReplacement(change) && !isWayBack && join(state, 'repair') !== undefined) queueOwed(state);
    addLeft(life, change, isWayBack, result.left);
    return setPhase(state, 'degraded', result.reason, now);
  }
  if (result.record) life.record = result.record;
  if (result.outcome === 'done' && !isWayBack) changeOf(change)?.apply(state, life, change, now, result);
  if (life.suspended) return setPhase(state, 'suspended', life.suspended.reason, now);
  const readBack = provesOtherwise(life, result, resting.reason);
  if (result.record && hasChannels(result.record)) life.skipped = life.skipped.filter((step) => !isOfChannels(step));
  if (hasTurn(result)) life.skipped = life.skipped.filter((step) => !isOfTurn(step));
  const mended =
    result.outcome === 'done'
      ? mend(life, change, isWayBack, result, resting.reason) ||
        readBack ||
        (hasTurn(result) && isOfTurn(resting.reason))
      : result.outcome === 'undone' && readBack;
  if (result.down !== undefined) return setPhase(state, 'degraded', result.down, now);
  if (result.outcome === 'done' && result.unanswered !== undefined)
    return setPhase(state, 'degraded', notAnswered(result.unanswered), now);
  if (mended && life.left.length === 0 && life.skipped.length === 0) return setPhase(state, 'ready', '', now);
  const stays = sayLeft(life.left);
  setPhase(state, resting.phase, mended && stays !== '' ? stays : resting.reason, now);
}

/** Whether the gateway was read back and is not what it was degraded for. */
function provesOtherwise({ gateway }: Life, { record, down }: OperationResult, wrong: string): boolean {
  return record !== undefined && down === undefined && endsWithReading(wrong, record, gateway.spec.release);
}

/** What is left behind, as the reason of a record. */
export function sayLeft(left: readonly Left[]): string {
  return left.map(({ step, reason }) => `${step}: ${reason}`).join('; ');
}

/** What a way back did not reach is still to be undone: it is owed. */
function owe(life: Life, change: Change, { entered, deviceId }: OperationResult): void {
  const undoable = entered.filter(({ step }) => registry[step]?.undo);
  if (undoable.length === 0) return;
  const isKnown = change.kind === 'pair' && deviceId !== undefined;
  life.owed = isKnown ? { ...change, wanted: { deviceId } } : change;
  life.backFrom = entered;
}

/**
 * A change that ended well leaves nothing of what an earlier one could not take back and it has made good; true when that was wrong
 * with the gateway. A new container is proved whole, so it also ends what was wrong with the previous one, except channels that did not connect.
 */
function mend(life: Life, change: Change, isWayBack: boolean, result: OperationResult, wrong: string): boolean {
  const before = life.left.length;
  takeFromLeft(life, change, isWayBack, result);
  if (change.kind === 'drop-snapshot') return before > 0 && isOfDrop(wrong);
  return (
    (before > 0 && isOfLeft(wrong)) || (isReplacement(change) && !isWayBack && !isOfChannels(wrong) && !isOfTurn(wrong))
  );
}

/** A repair was asked for: a way back that is still owed comes before it, because a container must not start on another's state. */
export function queueOwed(state: GatewayState): void {
  const owed = state.life?.owed;
  if (!owed || state.queue.some(({ kind }) => kind === 'way-back')) return;
  state.queue.unshift({ number: takeNumber(state), kind: 'way-back', change: owed });
}

/** Whether a way back waits first of which an earlier one has left nothing: a repair was asked for while that one ran. */
export function isBackAlready({ queue: [next], life }: GatewayState): boolean {
  return next?.kind === 'way-back' && life?.owed === undefined && life?.backFrom === undefined;
}

/** What waits first is not carried out: it would say of a gateway that it is what it was before, and prove nothing. */
export function dropBack(state: GatewayState): void {
  const [next, ...rest] = state.queue;
  if (!next) return;
  state.queue = rest;
  remember(state, next, 'withdrawn', 'an earlier way back has taken all of it back');
}

/** Why nothing else happens to a gateway that could not be brought back. */
export function owedFirst(gateway: string, { kind }: Change): string {
  return `an earlier ${kind} of ${gateway} could not be taken back. \`creel provision ${gateway}\` goes on with the way back, which comes first`;
}

/** The same while the way back waits or runs: it may be parked and want an answer. */
export function owedBehind(state: GatewayState, gateway: string, owed: Change): string {
  const back = openOperations(state).find(({ kind }) => kind === 'way-back');
  if (!back) return owedFirst(gateway, owed);
  return `an earlier ${owed.kind} of ${gateway} is being taken back (operation ${back.number}), which comes first. \`creel describe ${gateway}\` shows how that stands, and the answers that it takes where it is parked`;
}

/** The run of a change was lost: its own list is unwound before anything else happens, unless the gateway is being removed. */
export function loseChange(
  state: GatewayState,
  life: Life,
  change: Change,
  reason: string,
  limits: Limits,
  now: number,
): void {
  const unsettledUntil = now + Math.max(limits.actMs, limits.waitMs, limits.undoMs) + limits.settleMs;
  if (!comesFirst(state)) delete life.owed; // What an earlier one left stays named.
  life.backFrom = stepsOfChange(change).map((step) => ({ step, unsettledUntil }));
  if (isReplacement(change)) unsettle(life, unsettledUntil);
  setPhase(state, 'degraded', reason, now);
  if (isRemoving(state)) return oweLost(life, change);
  state.queue.unshift({ number: takeNumber(state), kind: 'way-back', change });
}

/** A removal comes before the way back of a change whose run was lost: where the state is kept, it is still to be taken back. */
export function oweLost(life: Life, change: Change): void {
  if (!isReplacement(change) && stepsOfChange(change).some((step) => registry[step]?.undo)) life.owed = change;
}
