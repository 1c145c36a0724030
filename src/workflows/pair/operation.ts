import { ordinaryScopes, type Denial, type Pairing, type Unpairing } from '../../domain/changes/pairing.js';
import { isDeviceId, type Wanted } from '../../domain/devices/device.js';
import { Refused } from '../../domain/errors.js';
import { approvedLength, pairingWaitCeilingMs, readinessMs } from '../../domain/thresholds.js';
import type { DenyRequest, PairRequest, UnpairRequest } from '../../wire/change-requests.js';
import { defaultLimits, type Limits } from '../../wire/limits.js';
import type { OperationResult } from '../../wire/operation.js';
import { change } from '../record/operation.js';
import type { Life } from '../record/life.js';
import type { GatewayState } from '../record/state.js';

const next = { done: (id: string) => [`creel devices ${id}`] };

/** A device is let in: it asked for no more than it may have, and it has connected; or none is paired that was not before (S0-11). */
export const pair = change({
  kind: 'pair',
  workflow: 'pairDevice',
  phase: 'pairing',
  steps: {
    'check pairing': { do: 'probePairable', pace: 'act' }, // only reads
    'await request': { do: 'probeRequest', pace: 'wait', waits: true }, // only reads
    'approve device': { do: 'ensureApproval', undo: 'removeApproval', pace: 'act', asks: true, allows: true },
    'await device': { do: 'probePaired', pace: 'wait', waits: true }, // only reads
  },
  list: (_change: Pairing) => pairSteps,
  check: checkPairing,
  plan: planPairing,
  apply: applyPairing,
  limits: limitsOf,
  within: ({ limits, gateway }) => 2 * limits.waitMs + gateway.spec.parkMs + readinessMs,
  next: { ...next, left: (id) => `creel devices ${id}` },
});

export const pairSteps = ['check pairing', 'await request', 'approve device', 'await device'] as const;

/** A device's request is turned down. */
export const deny = change({
  kind: 'deny',
  workflow: 'denyDevice',
  phase: 'pairing',
  steps: {
    'turn down request': { do: 'ensureDenial', pace: 'act' }, // a device may ask again
  },
  list: (_change: Denial) => denySteps,
  check: (request: DenyRequest) => checkDevice(request),
  plan: (_state, _life, { deviceId }): Denial => ({ kind: 'deny', deviceId }),
  apply: () => undefined, // a request that is gone is on no record
  within: () => readinessMs,
  next,
});

export const denySteps = ['turn down request'] as const;

/** A device is cut off, and that is proved. */
export const unpair = change({
  kind: 'unpair',
  workflow: 'unpairDevice',
  phase: 'pairing',
  steps: {
    'check device': { do: 'probeUnpairable', pace: 'act' }, // only reads
    'cut off device': { do: 'ensureCutOff', pace: 'act' }, // a device that is cut off can only ask again
    'prove removal': { do: 'probeCutOff', pace: 'act' }, // only reads
  },
  list: (_change: Unpairing) => unpairSteps,
  check: (request: UnpairRequest) => checkDevice(request),
  plan: planUnpairing,
  apply: () => undefined, // taken off the record when it began
  within: () => readinessMs,
  next,
});

export const unpairSteps = ['check device', 'cut off device', 'prove removal'] as const;

/** What waits for a device may take as long as the pairing was told to wait, and a little more to say so. */
function limitsOf(usual: Limits, { waitMs }: Pairing): Limits {
  const { waitHeartbeatMs = defaultLimits.waitHeartbeatMs ?? usual.slowHeartbeatMs } = usual;
  return { ...usual, waitHeartbeatMs, waitMs: Math.max(usual.waitMs, waitMs + usual.actMs) };
}

/** Why creel lets no other device in: it must remember every one; undefined when it does. */
function tooMany({ approved = [], gateway }: Life, wanted: Wanted): string | undefined {
  if (approved.length < approvedLength || ('deviceId' in wanted && approved.includes(wanted.deviceId)))
    return undefined;
  const id = gateway.mark.gateway;
  return `creel has let ${approved.length} devices in, and remembers no more. \`creel devices ${id}\` shows them, \`creel unpair ${id}\` cuts off one that is not used any more`;
}

/** What is asked, with what is always allowed, the moment before which everything was somebody else's doing, and whom creel had let in by then. */
function planPairing(
  _state: GatewayState,
  life: Life,
  { wanted, role, scopes, waitMs }: PairRequest,
  since: number,
): Pairing | string {
  const { approved = [] } = life;
  const many = tooMany(life, wanted);
  if (many !== undefined) return many;
  const most = { role, scopes: [...new Set([...ordinaryScopes, ...scopes])] };
  return { kind: 'pair', wanted, ...most, waitMs, since, ...(approved.length > 0 && { approved }) };
}

/** The device that came in is one that creel approved. */
function applyPairing(
  _state: GatewayState,
  life: Life,
  _change: Pairing,
  _now: number,
  { deviceId }: OperationResult,
): void {
  if (deviceId !== undefined) life.approved = [...new Set([...(life.approved ?? []), deviceId])];
}

/** Whatever comes of it, creel does not vouch for the device any more. */
function planUnpairing(_state: GatewayState, life: Life, { deviceId }: UnpairRequest): Unpairing {
  life.approved = (life.approved ?? []).filter((each) => each !== deviceId);
  return { kind: 'unpair', deviceId };
}

function checkPairing({ wanted, role, scopes, waitMs }: PairRequest, life: Life): void {
  if (typeof wanted !== 'object' || wanted === null) throw new Refused('a pairing says which device it wants');
  if ('deviceId' in wanted) checkDevice(wanted);
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
  const many = tooMany(life, wanted);
  if (many !== undefined) throw new Refused(many);
}

const word = /^[a-z][a-z.-]{0,59}$/;

function checkNames(words: readonly unknown[]): void {
  if (words.length > 0 && words.every((each) => typeof each === 'string' && each.length > 0 && each.length <= 100))
    return;
  throw new Refused('a device is named by its id, or by its name, its platform or both');
}

function checkDevice({ deviceId }: { readonly deviceId: unknown }): void {
  if (isDeviceId(deviceId)) return;
  throw new Refused(`device ${JSON.stringify(deviceId)} is malformed: a device id is 64 hexadecimal digits`);
}
