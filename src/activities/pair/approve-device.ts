import type { Approved } from '../../wire/answer.js';
import type { Changing } from '../../domain/gateway/changing.js';
import { cut, jsonBytes } from '../../domain/cut.js';
import { covers, shortId, type PendingDevice } from '../../domain/devices/device.js';
import { NotYet, Refused } from '../../domain/errors.js';
import { fingerprint } from '../../domain/fingerprint.js';
import { excess, isApprovedSince, isNewSince, rolesOf, type Pairing } from '../../domain/changes/pairing.js';
import { approvalTurnMs, pairingPaceMs, wishBytes } from '../../domain/thresholds.js';
import { RpcError, type Session } from '../../ports/gateway-door.js';
import type { Deps } from '../../world/deps.js';
import { approveRequest, removeDevice } from '../parts/door/control.js';
import { describeDevice, describeDevices, listDevices } from '../parts/door/devices.js';
import { onGatewayClock } from '../parts/door/clock.js';
import { openSession } from '../parts/door/operator.js';
import { findWanted, wish, type Asking } from './await-request.js';
import { until } from '../../world/until.js';

/**
 * Approves the current request of the wanted device and waits until the gateway lists it: its answer alone is not
 * trusted. An app that is to have several roles asks for one after the other; each is waited for and approved, because
 * half a pairing is none.
 */
export async function ensureApproval(deps: Deps, gateway: Changing<Pairing>): Promise<Approved> {
  const { since, waitMs } = gateway.change;
  const session = await openSession(deps, gateway);
  try {
    const first = await approveNext(deps, gateway, session);
    if (first.missing.length === 0) return first.approved;
    const limitMs = since + 2 * waitMs - Date.now();
    const what = 'it has not asked for every role';
    const wait = { what, paceMs: pairingPaceMs, limitMs, turnMs: approvalTurnMs };
    return await until(wait, deps.signal(), async () => {
      const { approved, missing } = await approveNext(deps, gateway, session);
      if (missing.length === 0) return approved;
      throw new NotYet(`${approved.proof}, and it has not asked for role ${missing.join(', ')} yet`);
    });
  } finally {
    session.close();
  }
}

/** Approves what the device asks for now, and returns the roles of the pairing that it still lacks. */
async function approveNext(
  deps: Deps,
  gateway: Changing<Pairing>,
  session: Session,
): Promise<{ approved: Approved; missing: string[] }> {
  const found = await findWanted(deps, gateway, session);
  const { device } = found;
  const has = found.kind === 'asks' ? [...device.roles, ...found.has] : device.roles;
  if (found.kind === 'asks') {
    demandAllowed(gateway, found);
    deps.signal()?.throwIfAborted();
    await approve(session, found.device);
  }
  const as = found.kind === 'asks' ? 'approved for' : 'is paired with';
  return {
    approved: {
      deviceId: device.deviceId,
      proof: `${describeDevice(device)} ${as} ${wish({ ...device, roles: [...new Set(has)] })}`,
    },
    missing: rolesOf(gateway.change).filter((role) => !has.includes(role)),
  };
}

/** Removes what this pairing let in, until the gateway lists no device that was not paired before. */
export async function removeApproval(deps: Deps, gateway: Changing<Pairing>): Promise<string> {
  const own = deps.keys.device(gateway).id;
  const session = await openSession(deps, gateway);
  try {
    const pairing = await onGatewayClock(deps, session, gateway.change);
    const letIn = async () =>
      (await listDevices(session)).paired.filter((each) => each.deviceId !== own && isApprovedSince(pairing, each));
    const found = await letIn();
    for (const { deviceId } of found.filter((each) => isNewSince(pairing, each))) await removeDevice(session, deviceId);
    const left = await letIn();
    if (left.some((each) => isNewSince(pairing, each))) throw new Error('a device is paired again while it is removed');
    if (left.length === 0) return found.length === 0 ? 'nothing was let in' : `${describeDevices(found)} removed again`;
    return `${left.map((each) => `${describeDevice(each)} was paired before and stays, now with ${wish(each)}`).join('; ')}: a gateway takes no scope back. \`creel unpair ${gateway.mark.gateway} --device …\` cuts it off`;
  } finally {
    session.close();
  }
}

/** A wish beyond the pairing is for an operator to allow: exactly what this sentence says, and nothing else. */
function demandAllowed(gateway: Changing<Pairing>, { device, has }: Asking): void {
  const beyond = excess(gateway.change, device, has);
  if (beyond.length === 0) return;
  const sentence = `${describeDevice(device)} asks for more than was allowed: ${namedWhole(beyond)}. ${remedyOf(gateway, device, has)}`;
  if (!gateway.allowed?.includes(sentence)) throw new Refused(sentence);
}

/** As many as a question has room for; the rest enters a fingerprint of all, so that no two wishes read the same. */
function namedWhole(all: readonly string[]): string {
  const whole = all.join(', ');
  if (jsonBytes(whole) <= wishBytes) return whole;
  return `${cut(whole, wishBytes)} (${all.length} in all, together ${fingerprint(whole)})`;
}

function remedyOf({ mark, change }: Changing<Pairing>, device: PendingDevice, has: readonly string[]): string {
  const [told, { gateway: id }] = [allowingFlags(change, device, has), mark];
  if (jsonBytes(told) <= wishBytes)
    return `To allow it from the start: \`creel pair ${id} --device ${device.deviceId}\` with ${told}`;
  return `No app asks for so much: \`creel deny ${id} --device ${device.deviceId}\` turns it down`;
}

/**
 * A pairing waits for every role it names, so a role that the device neither has nor asks for is left out of the
 * remedy.
 */
function allowingFlags({ role, scopes }: Pairing, device: PendingDevice, has: readonly string[]): string {
  const known = rolesOf({ role }).filter((each) => has.includes(each) || device.roles.includes(each));
  const more = device.roles.filter((each) => !rolesOf({ role }).includes(each));
  const roles = more.length > 0 ? [`--role ${[...known, ...more].join(',')}`] : [];
  const beyond = device.scopes.filter((scope) => !covers(scopes, [scope])).toSorted();
  return [...roles, ...(beyond.length > 0 ? [`--scopes ${beyond.join(',')}`] : [])].join(' ');
}

/** A request that the gateway does not know was replaced, expired or approved already: its list tells which. */
async function approve(session: Session, { requestId, deviceId, roles, scopes }: PendingDevice): Promise<void> {
  try {
    await approveRequest(session, requestId);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw new Refused(`the gateway refuses to approve device ${shortId(deviceId)}: ${error.message}`, { cause: error });
  }
  const { paired } = await listDevices(session);
  const found = paired.find((each) => each.deviceId === deviceId);
  if (found && covers(found.scopes, scopes) && roles.every((role) => found.roles.includes(role))) return;
  throw new NotYet(`the request of device ${shortId(deviceId)} was replaced or has expired: it has to ask again`);
}
