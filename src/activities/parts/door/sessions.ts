import type { PairedDevice } from '../../../domain/devices/device.js';
import { NotYet } from '../../../domain/errors.js';
import type { Session } from '../../../ports/gateway-door.js';
import { readPresent, revokeToken } from './control.js';
import { describeDevices, listDevices } from './devices.js';

/**
 * Takes their access from devices, which ends their sessions, and asks whether one is still open. Asked while they are
 * listed, because no gateway reports on a removed device. Returns how much that proves; `own` is the device that asks.
 */
export async function closeSessions(session: Session, own: string, devices: readonly PairedDevice[]): Promise<string> {
  for (const { deviceId, roles } of devices) for (const role of roles) await revokeToken(session, deviceId, role);
  const { paired } = await listDevices(session);
  const present = await readPresent(session);
  const meant = paired.filter((each) => devices.some(({ deviceId }) => deviceId === each.deviceId));
  const open = meant.filter(({ deviceId, connected }) => connected || present.includes(deviceId));
  if (open.length > 0) throw new NotYet(`still with a session open: ${describeDevices(open)}`);
  const listsAll = paired.some(({ deviceId, connected }) => deviceId === own && connected);
  return `listed with no session open${listsAll ? '' : ', by a release that does not list every session'}`;
}
