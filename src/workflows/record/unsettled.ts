import { readsBackward, type Entered } from '../../wire/operation.js';
import type { Life } from './life.js';
import type { GatewayState } from './state.js';

/** Something that an operation which ended has done or undone was tried more than once: one of its attempts may still land until then. */
export function noteUnsettled({ life }: GatewayState, until: number | undefined): void {
  if (until === undefined || !life) return;
  life.unsettledUntil = Math.max(life.unsettledUntil ?? 0, until);
}

/** What can no longer land is forgotten. */
export function forgetSettled({ life }: GatewayState, now: number): void {
  if (life?.unsettledUntil !== undefined && now >= life.unsettledUntil) delete life.unsettledUntil;
}

/**
 * Until when what waits first does not begin (epoch ms), because a lost attempt could land in what it does; undefined when it
 * may. What only undoes need not wait: it undoes once more when that time is over, or does the same.
 */
export function heldUntil({ queue: [next], life }: GatewayState): number | undefined {
  return next && !readsBackward(next.kind) ? life?.unsettledUntil : undefined;
}

/** How many ms that is from now; 0 when it may begin. */
export function heldMs(state: GatewayState, now: number): number {
  return Math.max(0, (heldUntil(state) ?? now) - now);
}

/** What a removal takes back, where a change before it, or its way back, may still put some of it there: it undoes that once more. */
export function unsettledBefore({ entered, unsettledUntil = 0 }: Life): readonly Entered[] {
  return entered.map((each) => ({ ...each, unsettledUntil: Math.max(each.unsettledUntil, unsettledUntil) }));
}
