import { whySuspended } from '../../domain/changes/suspension.js';
import { Refused } from '../../domain/errors.js';
import { gatewayBirth } from '../../domain/gateway/gateway.js';
import type { ChangeRequest } from '../../wire/change-requests.js';
import { changeOf } from '../operations.js';
import { checkResumption } from '../suspend/operation.js';
import { isAlive, isRemoving, type GatewayState } from '../record/state.js';
import { owedBehind } from './change.js';
import { comesFirst } from './owed.js';

/** Holds a change against the state, or `Refused`: only a gateway that lives, and is not being removed, can be changed. */
export function checkChange(state: GatewayState, request: ChangeRequest): void {
  const operation = changeOf(request);
  if (!operation?.check && request.kind !== 'resume')
    throw new Refused(`a request of kind ${JSON.stringify(request.kind)} is unknown`);
  const { latestStart, birth } = request;
  if (latestStart !== undefined && !Number.isSafeInteger(latestStart))
    throw new Refused('the latest start must be a time in epoch milliseconds');
  const { life } = state;
  const id = life?.gateway.mark.gateway ?? 'this gateway';
  if (isRemoving(state)) throw new Refused(`${id} is being removed`);
  if (!isAlive(state) || !life)
    throw new Refused(`${id} does not run (${state.phase}). \`creel provision\` begins one`);
  const first = comesFirst(state);
  if (first) throw new Refused(owedBehind(state, id, first));
  const lives = life.gateway.mark.birth;
  if (birth !== undefined && gatewayBirth(birth) !== lives)
    throw new Refused(`${id} lives with birth ${lives}, not ${birth}: it is another gateway now`);
  if (request.kind === 'resume') return checkResumption(state, life);
  if (life.suspended && request.kind !== 'suspend') throw new Refused(whySuspended(id, life.suspended));
  operation?.check?.(request, life);
}
