import type { Entered } from '../../wire/operation.js';
import type { GatewayState, Queued } from './state.js';

/** Something that an operation which ended has done or undone was tried more than once: one of its attempts may still land until then. */
export function noteUnsettled(state: GatewayState, until: number | undefined): void {
  if (until === undefined) return;
  state.unsettledUntil = Math.max(state.unsettledUntil ?? 0, until);
}

/** What can no longer land is forgotten. */
export function forgetSettled(state: GatewayState, now: number): void {
  if (state.unsettledUntil !== undefined && now >= state.unsettledUntil) delete state.unsettledUntil;
}

/**
 * Until when what waits first does not begin (epoch ms), because a lost attempt could land in what it does; undefined when it
 * may. What only undoes need not wait: it undoes once more when that time is over, or does the same.
 */
export function heldUntil({ queue: [next], unsettledUntil }: GatewayState): number | undefined {
  return next && !isUndo(next) ? unsettledUntil : undefined;
}

/** How many ms that is from now; 0 when it may begin. */
export function heldMs(state: GatewayState, now: number): number {
  return Math.max(0, (heldUntil(state) ?? now) - now);
}

/** What a removal takes back, where a change before it, or its way back, may still put some of it there: it undoes that once more. */
export function unsettledBefore({ entered, unsettledUntil = 0 }: GatewayState): readonly Entered[] {
  return entered.map((each) => ({ ...each, unsettledUntil: Math.max(each.unsettledUntil, unsettledUntil) }));
}

function isUndo({ kind }: Queued): boolean {
  return kind === 'remove' || kind === 'purge' || kind === 'way-back';
}
