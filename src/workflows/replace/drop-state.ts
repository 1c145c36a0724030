import type { SavedStateDrop } from '../../domain/changes/replacement.js';
import { cutMiddle } from '../../domain/cut.js';
import { dropPausesMs, leftReasonBytes } from '../../domain/thresholds.js';
import type { DropRequest } from '../../wire/change-requests.js';
import type { Left } from '../../wire/operation.js';
import type { Life } from '../record/life.js';
import { isAlive, isRemoving, join, pushChange, setPhase, type GatewayState } from '../record/state.js';

/** The step that lets go of saved states, as a record names it when it could not. */
const dropStep = 'drop snapshot';

/** Saved states could not be let go: they may know evicted devices and old tokens, so it stays on record and is tried again. */
export function oweDrop(
  state: GatewayState,
  life: Life,
  { former, failures = 0 }: SavedStateDrop,
  reason: string,
  now: number,
): void {
  const pause = dropPausesMs[Math.min(failures, dropPausesMs.length - 1)] ?? 0;
  life.dropping = {
    ...(former !== undefined && { former }),
    failures: failures + 1,
    again: now + pause,
    reason: cutMiddle(reason, leftReasonBytes),
  };
  showDropping(state, now);
}

/** A gateway that still has saved states to drop is not `ready`, even when everything else ended well. */
export function showDropping(state: GatewayState, now: number): void {
  const { life } = state;
  if (!life?.dropping || !isAlive(state)) return;
  const { dropping } = life;
  const others = life.left.filter((each) => !isLeftOfDrop(each));
  life.left = [...others, { step: dropStep, kind: 'Refused', reason: dropping.reason }];
  if (state.phase === 'ready')
    setPhase(state, 'degraded', `${stays}: ${dropping.reason}. ${again(dropping.again)}`, now);
}

const stays = 'saved states of before could not be let go';

/** Whether this entry names saved states that could not be let go. */
export function isLeftOfDrop({ step }: Left): boolean {
  return step === dropStep;
}

/** Whether this was all that is wrong with a gateway. */
export function isOfDrop(reason: string): boolean {
  return reason.startsWith(stays);
}

/** What could not be let go is tried again when its pause is over and nothing else is to be done. */
export function tryDropAgain(state: GatewayState, now: number): void {
  const { life } = state;
  if (!life?.dropping || now < life.dropping.again || !isAlive(state) || isRemoving(state)) return;
  if (state.queue.length > 0 || join(state, 'drop-snapshot') !== undefined) return;
  const { former, failures } = life.dropping;
  const asked: DropRequest = {
    kind: 'drop-snapshot',
    requestId: 'tried again',
    origin: 'creel',
    place: life.gateway.place,
    ...(former !== undefined && { former }),
    failures,
  };
  pushChange(state, asked);
}

function again(at: number): string {
  return `Tried again at ${new Date(at).toISOString()}; see docs/runbook.md#saved-states-stay`;
}
