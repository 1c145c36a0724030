import { keyId as checkKeyId } from '../../domain/keys/deployment-keys.js';
import { isDeviceId } from '../../domain/devices/device.js';
import { Refused } from '../../domain/errors.js';
import { gatewayBirth } from '../../domain/gateway/gateway.js';
import { pairingWaitCeilingMs } from '../../domain/thresholds.js';
import type { GatewaySpec } from '../../domain/gateway/spec.js';
import type { ChangeRequest, PairRequest } from '../../wire/change-requests.js';
import { owedBehind } from './change.js';
import { comesFirst } from '../record/owed.js';
import { isAlive, isRemoving, type GatewayState } from '../record/state.js';
import { checkRollback, checkUpgrade } from '../replace/operation.js';
import { tooMany } from '../pair/operation.js';
import { checkReshape } from '../reconfigure/operation.js';
import { isChange, type ChangeKind } from '../operations.js';

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
  const first = comesFirst(state);
  if (first) throw new Refused(owedBehind(state, id, first));
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
  rotate: ({ reclaim, evict, keyId }) => {
    if (typeof reclaim !== 'boolean' || typeof evict !== 'boolean')
      throw new Refused('a rotation says whether it reclaims and whether it evicts');
    if (keyId !== undefined) checkKeyId(keyId);
  },
  pair: checkPairing,
  deny: ({ deviceId }) => checkDevice(deviceId),
  unpair: ({ deviceId }) => checkDevice(deviceId),
  upgrade: checkUpgrade,
  rollback: checkRollback,
  change: checkReshape,
  'drop-snapshot': () => {
    throw new Refused('saved states go by themselves when their time is over');
  },
};

function checkPairing({ wanted, role, scopes, waitMs }: PairRequest, state: GatewayState): void {
  if (typeof wanted !== 'object' || wanted === null) throw new Refused('a pairing says which device it wants');
  if ('deviceId' in wanted) checkDevice(wanted.deviceId);
  else checkNames([wanted.name, wanted.platform].filter((word) => word !== undefined));
  if (typeof role !== 'string' || role.split(',').length > 4 || !role.split(',').every((each) => word.test(each)))
    throw new Refused(`role ${JSON.stringify(role)} is malformed`);
  if (
    !Array.isArray(scopes) ||
    scopes.length > 50 ||
    scopes.some((scope) => typeof scope !== 'string' || !word.test(scope))
  )
    throw new Refused(`scopes ${JSON.stringify(scopes)} are malformed. For example: ["operator.admin"]`);
  if (!Number.isSafeInteger(waitMs) || waitMs < 1_000 || waitMs > pairingWaitCeilingMs)
    throw new Refused(`a device is waited for between 1 second and 24 hours, not ${JSON.stringify(waitMs)} ms`);
  const many = tooMany(state, wanted);
  if (many !== undefined) throw new Refused(many);
}

const word = /^[a-z][a-z.-]{0,59}$/;

function checkNames(words: readonly unknown[]): void {
  if (words.length > 0 && words.every((each) => typeof each === 'string' && each.length > 0 && each.length <= 100))
    return;
  throw new Refused('a device is named by its id, or by its name, its platform or both');
}

function checkDevice(deviceId: unknown): void {
  if (isDeviceId(deviceId)) return;
  throw new Refused(`device ${JSON.stringify(deviceId)} is malformed: a device id is 64 hexadecimal digits`);
}
