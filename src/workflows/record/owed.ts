import type { Change } from '../../domain/changes/change.js';
import { leftLength } from '../../domain/thresholds.js';
import type { Left, OperationResult } from '../../wire/operation.js';
import { stepsOfChange } from '../operations.js';
import type { GatewayState } from './state.js';

/** Ends of `Change` that need no gateway that stands still: whoever has one of them left behind can be changed meanwhile. */
const besides: ReadonlySet<string> = new Set<Change['kind']>(['rotate', 'pair', 'reconfigure']);

/**
 * The change whose way back comes before everything else, if one is owed. One that was only left behind at a gateway that serves, and
 * is named as left, holds nothing up.
 */
export function comesFirst({ owed, left }: GatewayState): Change | undefined {
  if (!owed || !besides.has(owed.kind)) return owed;
  const steps = new Set(stepsOfChange(owed));
  return left.some(({ step }) => steps.has(step)) ? undefined : owed;
}

/** Nothing is to be taken back any more: a replacement was put back by the removal, and what is gone owes nothing. */
export function forgetOwed(state: GatewayState): void {
  delete state.owed;
  delete state.backFrom;
}

/** A way back had to leave something: it is named beside what was left before. */
export function addLeft(state: GatewayState, change: Change, isWayBack: boolean, left: readonly Left[]): void {
  const known = new Set([...(isWayBack ? stepsOfChange(change) : []), ...left.map(({ step }) => step)]);
  state.left = [...state.left.filter(({ step }) => !known.has(step)), ...left].slice(-leftLength);
}

/** Takes from what is left whatever this change, which is done, has made good; the way back of the rest is owed as before. */
export function takeFromLeft(state: GatewayState, change: Change, isWayBack: boolean, result: OperationResult): void {
  const owed = isWayBack ? undefined : state.owed;
  const isGood = owed !== undefined && makesGood(change, owed, result, state.left);
  const good = new Set([...madeGoodBy(change), ...(isGood ? stepsOfChange(owed) : [])]);
  const still = new Set(owed === undefined || isGood ? [] : stepsOfChange(owed));
  state.left = state.left.filter(({ step }) => still.has(step) || !good.has(step));
  if (isGood) forgetOwed(state);
}

/** The steps of which nothing is left once such a change is done, where nobody knows more. */
function madeGoodBy(change: Change): readonly string[] {
  return change.kind === 'unpair' ? ['approve device'] : stepsOfChange(change);
}

/** Whether a change that is done leaves nothing to be taken back of an earlier one: of a pairing, when it was about the same device. */
function makesGood(change: Change, owed: Change, { deviceId }: OperationResult, left: readonly Left[]): boolean {
  if (owed.kind === 'pair') {
    if (change.kind === 'rotate') return change.evict;
    const about = change.kind === 'unpair' ? change.deviceId : change.kind === 'pair' ? deviceId : undefined;
    return about !== undefined && 'deviceId' in owed.wanted && owed.wanted.deviceId === about;
  }
  const done = new Set(stepsOfChange(change));
  const steps = new Set(stepsOfChange(owed));
  return left.every(({ step }) => !steps.has(step) || done.has(step));
}
