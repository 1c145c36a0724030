import type { Gateway } from '../../domain/gateway/gateway.js';
import type { Wanted } from '../../domain/devices/device.js';
import { ordinaryScopes, type Denial, type Pairing, type Unpairing } from '../../domain/changes/pairing.js';
import { approvedLength } from '../../domain/thresholds.js';
import type { DenyRequest, PairRequest, UnpairRequest } from '../../wire/change-requests.js';
import type { GatewayState } from '../record/state.js';
import type { OperationResult } from '../../wire/operation.js';

/** Why creel lets no other device in: it must remember every one; undefined when it does. */
export function tooMany({ approved = [], life }: GatewayState, wanted: Wanted): string | undefined {
  if (approved.length < approvedLength || ('deviceId' in wanted && approved.includes(wanted.deviceId)))
    return undefined;
  const id = life?.mark.gateway ?? 'ID';
  return `creel has let ${approved.length} devices in, and remembers no more. \`creel devices ${id}\` shows them, \`creel unpair ${id}\` cuts off one that is not used any more`;
}

/** What is asked, with what is always allowed, the moment before which everything was somebody else's doing, and whom creel had let in by then. */
export function planPairing(
  state: GatewayState,
  _life: Gateway,
  { wanted, role, scopes, waitMs }: PairRequest,
  since: number,
): Pairing | string {
  const { approved = [] } = state;
  const many = tooMany(state, wanted);
  if (many !== undefined) return many;
  const most = { role, scopes: [...new Set([...ordinaryScopes, ...scopes])] };
  return { kind: 'pair', wanted, ...most, waitMs, since, ...(approved.length > 0 && { approved }) };
}

/** The device that came in is one that creel approved. */
export function applyPairing(
  state: GatewayState,
  _life: Gateway,
  _change: Pairing,
  _now: number,
  { deviceId }: OperationResult,
): void {
  if (deviceId !== undefined) state.approved = [...new Set([...(state.approved ?? []), deviceId])];
}

export function planDenial(_state: GatewayState, _life: Gateway, { deviceId }: DenyRequest): Denial {
  return { kind: 'deny', deviceId };
}

/** Whatever comes of it, creel does not vouch for the device any more. */
export function planUnpairing(state: GatewayState, _life: Gateway, { deviceId }: UnpairRequest): Unpairing {
  state.approved = (state.approved ?? []).filter((each) => each !== deviceId);
  return { kind: 'unpair', deviceId };
}
