import type { Changing } from '../domain/change.js';
import { covers, shortId, type PendingDevice } from '../domain/device.js';
import { NotYet, Refused } from '../domain/errors.js';
import { excess, isApprovedSince, isNewSince, type Pairing } from '../domain/pairing.js';
import { RpcError, type Session } from '../ports/gateway-door.js';
import type { Deps } from './deps.js';
import { describeDevice, describeDevices, listDevices } from './devices.js';
import { onGatewayClock } from './gateway-clock.js';
import { openSession } from './operator.js';
import { standingOf, wish } from './pairing-request.js';

/** What came of an approval: in words, and which device it was. */
export type Approved = { readonly proof: string; readonly deviceId: string };

/** The current request of the wanted device is approved, and the gateway's list says so: its answer alone is not trusted. */
export const ensureApproval = (deps: Deps) =>
  async function ensureApproval(gateway: Changing<Pairing>): Promise<Approved> {
    const session = await openSession(deps, gateway);
    try {
      const { kind, device } = await standingOf(deps, gateway, session);
      const { deviceId } = device;
      if (kind === 'paired') return { deviceId, proof: `${describeDevice(device)} is paired with ${wish(device)}` };
      demandAllowed(gateway, device);
      deps.signal()?.throwIfAborted();
      await approve(session, device);
      return { deviceId, proof: `${describeDevice(device)} approved for ${wish(device)}` };
    } finally {
      session.close();
    }
  };

/** No device is paired that was not before: what this pairing let in is removed, and the gateway's list says so. */
export const removeApproval = (deps: Deps) =>
  async function removeApproval(gateway: Changing<Pairing>): Promise<string> {
    const own = deps.keys.device(gateway).id;
    const session = await openSession(deps, gateway);
    try {
      const pairing = await onGatewayClock(deps, session, gateway.change);
      const letIn = async () =>
        (await listDevices(session)).paired.filter((each) => each.deviceId !== own && isApprovedSince(pairing, each));
      const found = await letIn();
      for (const { deviceId } of found.filter((each) => isNewSince(pairing, each)))
        await unlessGone(() => session.call('device.pair.remove', { deviceId }));
      const left = await letIn();
      if (left.some((each) => isNewSince(pairing, each)))
        throw new Error('a device is paired again while it is removed');
      if (left.length === 0)
        return found.length === 0 ? 'nothing was let in' : `${describeDevices(found)} removed again`;
      return `${left.map((each) => `${describeDevice(each)} was paired before and stays, now with ${wish(each)}`).join('; ')}: a gateway takes no scope back. \`creel unpair ${gateway.mark.gateway} --device …\` cuts it off`;
    } finally {
      session.close();
    }
  };

/** Runs a removal of a device that may be gone already. */
export async function unlessGone(remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!(error instanceof RpcError) || !/^unknown (deviceId|requestId)/.test(error.message)) throw error;
  }
}

/** More than the pairing allows is for an operator to allow: exactly what this sentence says, and nothing else. */
function demandAllowed(gateway: Changing<Pairing>, device: PendingDevice): void {
  const beyond = excess(gateway.change, device);
  if (beyond.length === 0) return;
  const sentence = `${describeDevice(device)} asks for more than was allowed: ${beyond.join(', ')}. To allow it from the start: \`creel pair ${gateway.mark.gateway} --device ${device.deviceId}\` with ${remedies(gateway.change, device)}`;
  if (!gateway.allowed?.includes(sentence)) throw new Refused(sentence);
}

function remedies({ role, scopes }: Pairing, device: PendingDevice): string {
  const roles = device.roles.filter((each) => each !== role).map((each) => `--role ${each}`);
  const more = device.scopes.filter((scope) => !covers(scopes, [scope])).toSorted();
  return [...roles, ...(more.length > 0 ? [`--scopes ${more.join(',')}`] : [])].join(' ');
}

/** An unknown request was replaced, has expired, or was approved already: the list tells which. */
async function approve(session: Session, { requestId, deviceId, roles, scopes }: PendingDevice): Promise<void> {
  try {
    await session.call('device.pair.approve', { requestId });
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    if (error.message !== 'unknown requestId')
      throw new Refused(`the gateway refuses to approve device ${shortId(deviceId)}: ${error.message}`, {
        cause: error,
      });
  }
  const { paired } = await listDevices(session);
  const found = paired.find((each) => each.deviceId === deviceId);
  if (found && covers(found.scopes, scopes) && roles.every((role) => found.roles.includes(role))) return;
  throw new NotYet(`the request of device ${shortId(deviceId)} was replaced or has expired: it has to ask again`);
}
