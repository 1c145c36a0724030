import { setTimeout as sleep } from 'node:timers/promises';
import type { Changing } from '../../../domain/gateway/changing.js';
import { Refused } from '../../../domain/errors.js';
import type { KnownDevice, PairedDevice, PendingDevice } from '../../../domain/devices/device.js';
import { isOvertaken } from '../../../domain/changes/pairing.js';
import { rotated, type Rotation } from '../../../domain/changes/rotation.js';
import { devicesNamed, sessionCloseMs } from '../../../domain/thresholds.js';
import type { Knock, Session } from '../../../ports/gateway-door.js';
import type { Deps } from '../../../world/deps.js';
import { readDevices, rejectRequest, removeDevice } from './control.js';
import { knockAsOperator, openSession, turnedAway } from './operator.js';

/**
 * The devices that a gateway knows and those that wait, as it reports; requests that an approval has overtaken are left
 * out.
 */
export async function listDevices(session: Session): Promise<{ paired: PairedDevice[]; pending: PendingDevice[] }> {
  const { paired, pending } = await readDevices(session);
  const overtaken = (request: PendingDevice) =>
    paired.some((each) => each.deviceId === request.deviceId && isOvertaken(request, each));
  return { paired, pending: pending.filter((request) => !overtaken(request)) };
}

/** Devices as people recognise them, as many as a sentence holds. */
export function describeDevices(devices: readonly KnownDevice[]): string {
  const shown = devices.slice(0, devicesNamed).map(describeDevice).join('; ');
  return devices.length > devicesNamed ? `${shown}; and ${devices.length - devicesNamed} more` : shown;
}

/** A device as people recognise it. */
export function describeDevice({ deviceId, displayName, clientId, platform }: KnownDevice): string {
  const what = [displayName, clientId, platform].filter((word) => word !== '').join(', ');
  return `${deviceId.slice(0, 12)}${what === '' ? '' : ` (${what})`}`;
}

/** Names the paired devices that creel did not approve: a rotation leaves them in. */
export async function findStrangers(deps: Deps, gateway: Changing<Rotation>): Promise<string> {
  const next = rotated(gateway);
  const known = new Set([deps.keys.device(next).id, ...gateway.change.approved]);
  const session = await openSession(deps, next);
  try {
    const { paired } = await listDevices(session);
    const strangers = paired.filter(({ deviceId }) => !known.has(deviceId));
    if (strangers.length === 0) return `${paired.length} paired, all approved by creel`;
    return `not approved by creel, still let in: ${describeDevices(strangers)}`;
  } finally {
    session.close();
  }
}

/** Cuts creel's previous device off: its open session is seen to close, and its next knock has to ask. */
export async function ensureRetired(deps: Deps, gateway: Changing<Rotation>): Promise<string> {
  const session = await openSession(deps, rotated(gateway));
  try {
    const serving = await knockAsFormer(deps, gateway);
    if (serving.kind === 'open') await cutOff(session, serving.session, deps.keys.device(gateway).id);
    const again = serving.kind === 'open' ? await knockAsFormer(deps, gateway) : serving;
    if (again.kind === 'open') {
      again.session.close();
      throw new Refused('creel’s previous device is still let in');
    }
    if (again.kind !== 'pairing required') throw turnedAway(gateway, again);
    await rejectRequest(session, again.requestId);
    return 'creel’s previous device removed, its session closed; when it knocked again it had to ask';
  } finally {
    session.close();
  }
}

/** Knocks as creel's previous device, with the token that is in force now. */
export function knockAsFormer(deps: Deps, gateway: Changing<Rotation>): Promise<Knock> {
  return knockAsOperator(deps, gateway, deps.keys.token(rotated(gateway)));
}

async function cutOff(session: Session, witness: Session, deviceId: string): Promise<void> {
  try {
    await removeDevice(session, deviceId);
    await demandClosed(witness);
  } finally {
    witness.close();
  }
}

/**
 * Unpairs the device and turns down its requests. These are looked for after the removal, because an approval hides the
 * request that it overtook.
 */
export async function forgetDevice(session: Session, deviceId: string): Promise<void> {
  await removeDevice(session, deviceId);
  const { pending } = await listDevices(session);
  for (const { requestId } of pending.filter((each) => each.deviceId === deviceId))
    await rejectRequest(session, requestId);
}

/** Waits until the gateway has closed the session of a device that it is to let in no more. */
export async function demandClosed(session: Session): Promise<void> {
  const code = await Promise.race([session.closed, sleep(sessionCloseMs, undefined, { ref: false })]);
  if (code === undefined) throw new Refused('a session of a removed device was still open');
}
