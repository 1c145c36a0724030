import { z } from 'zod';
import type { PairedDevice } from '../../../domain/devices/device.js';
import { NotYet } from '../../../domain/errors.js';
import { RpcError, type Session } from '../../../ports/gateway-door.js';
import { describeDevices, listDevices } from './devices.js';

const presence = z.array(z.looseObject({ deviceId: z.string().optional(), reason: z.string().optional() }));

/**
 * Takes from devices what lets them in, which ends their sessions, and asks whether one is still open: while they are listed,
 * because of a device that is removed no gateway tells any more. Answers how far its word goes; `own` is the device that asks.
 */
export async function closeSessions(session: Session, own: string, devices: readonly PairedDevice[]): Promise<string> {
  for (const { deviceId, roles } of devices)
    for (const role of roles) await unlessDenied(session.call('device.token.revoke', { deviceId, role }));
  const { paired } = await listDevices(session);
  const present = await presentDevices(session);
  const meant = paired.filter((each) => devices.some(({ deviceId }) => deviceId === each.deviceId));
  const open = meant.filter(({ deviceId, connected }) => connected || present.includes(deviceId));
  if (open.length > 0) throw new NotYet(`still with a session open: ${describeDevices(open)}`);
  const listsAll = paired.some(({ deviceId, connected }) => deviceId === own && connected);
  return `listed with no session open${listsAll ? '' : ', by a release that does not list every session'}`;
}

/** The devices that a gateway tells of as present: an older release of some kinds of program, a newer one of none. */
export async function presentDevices(session: Session): Promise<string[]> {
  return presence
    .parse(await session.call('system-presence', {}))
    .flatMap(({ deviceId, reason }) => (deviceId === undefined || reason === 'disconnect' ? [] : [deviceId]));
}

/** A device may have no token in a role: whether it is in all the same, the gateway's list says. */
async function unlessDenied(revocation: Promise<unknown>): Promise<void> {
  try {
    await revocation;
  } catch (error) {
    if (!(error instanceof RpcError) || !error.message.includes('revocation denied')) throw error;
  }
}
