import { Refused } from '../domain/errors.js';
import { gatewayBirth } from '../domain/gateway.js';
import type { GatewaySpec } from '../domain/gateway-spec.js';
import type { ChangeRequest } from './change-requests.js';
import { isAlive, isRemoving, type GatewayState } from './gateway-state.js';
import { checkReshape, checkRollback, checkUpgrade } from './replacement-state.js';
import { isChange, type ChangeKind } from './steps.js';

/** Holds a change against the state, or `Refused`: only a gateway that lives, and is not being removed, can be changed. */
export function checkChange(state: GatewayState, request: ChangeRequest): void {
  if (!isChange(request.kind)) throw new Refused(`a request of kind ${JSON.stringify(request.kind)} is unknown`);
  const { latestStart, birth } = request;
  if (latestStart !== undefined && !Number.isSafeInteger(latestStart))
    throw new Refused('the latest start must be a time in epoch milliseconds');
  const id = state.life?.mark.gateway ?? 'this gateway';
  if (isRemoving(state)) throw new Refused(`${id} is being removed`);
  if (!isAlive(state) || !state.life)
    throw new Refused(`${id} does not run (${state.phase}). \`creel provision\` begins one`);
  if (birth !== undefined && gatewayBirth(birth) !== state.life.mark.birth)
    throw new Refused(`${id} lives with birth ${state.life.mark.birth}, not ${birth}: it is another gateway now`);
  check(request.kind, request, state, state.life.spec);
}

type RequestOf = { readonly [K in ChangeKind]: Extract<ChangeRequest, { kind: K }> };
type Check<K extends ChangeKind> = (request: RequestOf[K], state: GatewayState, spec: GatewaySpec) => void;

function check<K extends ChangeKind>(kind: K, ...asked: Parameters<Check<K>>): void {
  const checkOne: Check<K> = checks[kind];
  checkOne(...asked);
}

const checks: { readonly [K in ChangeKind]: Check<K> } = {
  rotate: ({ reclaim, evict }) => {
    if (typeof reclaim !== 'boolean' || typeof evict !== 'boolean')
      throw new Refused('a rotation says whether it reclaims and whether it evicts');
  },
  upgrade: checkUpgrade,
  rollback: checkRollback,
  change: checkReshape,
  'drop-snapshot': () => {
    throw new Refused('saved states go by themselves when their time is over');
  },
};
