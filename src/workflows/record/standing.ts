import { Refused } from '../../domain/errors.js';
import { answeredTo, endOf, isAlive, isRemoving, remember, type GatewayState } from './state.js';
import type { Park } from '../../wire/park.js';
import type { Standing } from '../../wire/description.js';
import type { Withdrawal } from '../../wire/requests.js';

/** How the request of this id stands; undefined when it is unknown or forgotten. */
export function standingOf(state: GatewayState, requestId: string, park: Park | undefined): Standing | undefined {
  const operation = typeof requestId === 'string' ? answeredTo(state, requestId)?.operation : undefined;
  if (operation === undefined) return undefined;
  const end = endOf(state, operation);
  const reason = state.ended.findLast((each) => each.number === operation)?.reason ?? '';
  const open = state.running?.number === operation ? 'running' : 'queued';
  return {
    operation,
    birth: end?.birth ?? state.life?.gateway.mark.birth ?? 'none',
    state: end?.outcome ?? open,
    reason,
    park: end ? undefined : park,
    gone: !isAlive(state) || isRemoving(state) || (end !== undefined && end.birth !== state.life?.gateway.mark.birth),
  };
}

/** A withdrawal as it arrives over the wire, or `Refused`. */
export function checkWithdrawal({ requestId, reason }: Withdrawal): void {
  for (const text of [requestId, reason])
    if (typeof text !== 'string' || text.length > 500) throw new Refused('a withdrawal names a request and a reason');
}

/** Takes a change back that waits. Whatever has begun, or changes no living gateway, stays as it is. */
export function withdraw(state: GatewayState, requestId: string, reason: string): void {
  const operation = answeredTo(state, requestId)?.operation;
  const queued = state.queue.find((each) => each.number === operation && 'asked' in each);
  if (!queued) return;
  state.queue = state.queue.filter((each) => each !== queued);
  remember(state, queued, 'withdrawn', reason);
}
