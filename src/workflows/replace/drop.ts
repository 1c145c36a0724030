import type { SavedStateDrop } from '../../domain/changes/replacement.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { Refused } from '../../domain/errors.js';
import type { DropRequest } from '../../wire/change-requests.js';
import { dropPausesMs } from '../../domain/thresholds.js';
import { change } from '../record/operation.js';
import type { Life } from '../record/life.js';
import { isRemoving, takeNumber, type GatewayState } from '../record/state.js';
import type { Manner } from '../saga/saga.js';

/** Saved states that nobody goes back to any more are let go. Only the record itself asks for it. */
export const dropSavedStates = change({
  kind: 'drop-snapshot',
  workflow: 'dropSnapshot',
  phase: 'changing',
  steps: {
    'drop snapshot': { do: 'ensureDropped', pace: 'act' }, // what nobody goes back to is gone for good
  },
  list: (_change: SavedStateDrop) => ['drop snapshot'] as const,
  check: () => {
    throw new Refused('saved states go by themselves when their time is over');
  },
  plan: planDrop,
  apply: applyDrop,
  ending: endingOf,
});

/** The gateway is not touched. A person hears of the first failure, and again whenever a day has passed. */
function endingOf({ failures = 0 }: SavedStateDrop): Omit<Manner, 'limitMs'> {
  const tells = failures === 0 || failures >= dropPausesMs.length;
  return { looks: false, told: tells && 'saved states could not be let go' };
}

/** Every saved state is let go but that of the former release, and the image of a release that nobody goes back to. */
function planDrop(
  { nextOperation: below }: GatewayState,
  { gateway, former: stays }: Life,
  { former, failures }: DropRequest,
): SavedStateDrop {
  const unused = former !== undefined && ![stays?.spec.release, gateway.spec.release].includes(former);
  const tried = failures === undefined ? {} : { failures };
  return { kind: 'drop-snapshot', below, ...(stays && { keep: stays.shelf }), ...(unused && { former }), ...tried };
}

/** A saved state that was dropped is on record nowhere already, but for the tries that failed. */
function applyDrop(_state: GatewayState, life: Life): void {
  delete life.dropping;
}

/** Nobody asked for it: it follows from what was done, at once, in an operation of its own. A removal lets everything go anyway. */
export function queueDrop(state: GatewayState, { place }: Gateway, former?: string): void {
  if (isRemoving(state)) return;
  const asked: DropRequest = { kind: 'drop-snapshot', requestId: 'kept time is over', origin: 'creel', place };
  const told = former === undefined ? asked : { ...asked, former };
  state.queue.unshift({ number: takeNumber(state), kind: 'drop-snapshot', asked: told });
}
