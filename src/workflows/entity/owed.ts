import type { Change } from '../../domain/changes/change.js';
import { leftLength } from '../../domain/thresholds.js';
import type { Left, OperationResult } from '../../wire/operation.js';
import { stepsOfChange } from '../operations.js';
import type { Life } from '../record/life.js';
import type { GatewayState } from '../record/state.js';
import { tryDropAgain } from '../replace/drop-state.js';
import { expireFormer } from '../replace/former.js';

/** Changes whose way back can wait while the gateway is changed again. */
const besides: ReadonlySet<string> = new Set<Change['kind']>(['rotate', 'pair', 'reconfigure', 'pair-sender']);

/**
 * The change whose way back comes before everything else, if one is owed. One that was only left behind at a gateway that serves, and
 * is named as left, holds nothing up.
 */
export function comesFirst({ life }: GatewayState): Change | undefined {
  const owed = life?.owed;
  if (!owed || !besides.has(owed.kind)) return owed;
  const steps = new Set(stepsOfChange(owed));
  return life.left.some(({ step }) => steps.has(step)) ? undefined : owed;
}

/** Drops saved states whose time is over, unless a way back is owed: it may need them. */
export function letGo(state: GatewayState, now: number): void {
  if (comesFirst(state)) return;
  expireFormer(state, now);
  tryDropAgain(state, now);
}

/** Nothing is to be taken back any more: a replacement was put back by the removal, and what is gone owes nothing. */
export function forgetOwed(life: Life): void {
  delete life.owed;
  delete life.backFrom;
}

/** A way back had to leave something: it is named beside what was left before. */
export function addLeft(life: Life, change: Change, isWayBack: boolean, left: readonly Left[]): void {
  const known = new Set([...(isWayBack ? stepsOfChange(change) : []), ...left.map(({ step }) => step)]);
  life.left = [...life.left.filter(({ step }) => !known.has(step)), ...left].slice(-leftLength);
}

/** Takes from what is left all that this change, which is done, has made good; the way back of the rest is still owed. */
export function takeFromLeft(life: Life, change: Change, isWayBack: boolean, result: OperationResult): void {
  const owed = isWayBack ? undefined : life.owed;
  const isGood = owed !== undefined && makesGood(change, owed, result, life.left);
  const good = new Set([...madeGoodBy(change), ...(isGood ? stepsOfChange(owed) : [])]);
  const still = new Set(owed === undefined || isGood ? [] : stepsOfChange(owed));
  life.left = life.left.filter(({ step }) => still.has(step) || !good.has(step));
  if (isGood) forgetOwed(life);
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
  if (owed.kind === 'pair-sender') return false; // Only its own way back knows whom it let in.
  const done = new Set(stepsOfChange(change));
  const steps = new Set(stepsOfChange(owed));
  return left.every(({ step }) => !steps.has(step) || done.has(step));
}
