import type { Changing } from '../../domain/gateway/changing.js';
import type { PairedDevice } from '../../domain/devices/device.js';
import { rotated, type Rotation } from '../../domain/changes/rotation.js';
import type { Session } from '../../ports/gateway-door.js';
import type { Deps } from '../../world/deps.js';
import { rejectRequest, removeDevice } from '../parts/door/control.js';
import { demandClosed, describeDevices, knockAsFormer, listDevices } from '../parts/door/devices.js';
import { openSession } from '../parts/door/operator.js';
import { closeSessions } from '../parts/door/sessions.js';

/** Names the devices that will no longer be paired, before any is removed: afterwards nobody could tell. */
export async function findEvicted(deps: Deps, gateway: Changing<Rotation>): Promise<string> {
  const session = await openSession(deps, rotated(gateway));
  try {
    const strangers = strangersAmong(deps, gateway, await othersOf(deps, gateway, session));
    return strangers.length === 0 ? 'nobody has to pair again' : `must pair again: ${describeDevices(strangers)}`;
  } finally {
    session.close();
  }
}

/**
 * Shuts out every device but creel's new one, and proves that no session of theirs is open; creel's replaced device is
 * the witness, whose own session is seen to close.
 */
export async function ensureShutOut(deps: Deps, gateway: Changing<Rotation>): Promise<string> {
  const session = await openSession(deps, rotated(gateway));
  const witness = await knockAsFormer(deps, gateway);
  try {
    const others = await othersOf(deps, gateway, session);
    const said = await closeSessions(session, ownOf(deps, gateway), others);
    if (witness.kind === 'open') await demandClosed(witness.session);
    const seen = witness.kind === 'open' ? '; a session of creel’s previous device was seen to close' : '';
    return `every device but creel’s new one shut out (${others.length}), ${said}${seen}`;
  } finally {
    if (witness.kind === 'open') witness.session.close();
    session.close();
  }
}

/**
 * Proves that only creel's new device is paired and none waits. Any device that came in meanwhile is shut out first.
 */
export async function ensureEvicted(deps: Deps, gateway: Changing<Rotation>): Promise<string> {
  const session = await openSession(deps, rotated(gateway));
  try {
    const others = await othersOf(deps, gateway, session);
    if (others.length > 0) await closeSessions(session, ownOf(deps, gateway), others);
    for (const { deviceId } of others) await removeDevice(session, deviceId);
    const { pending } = await listDevices(session);
    for (const { requestId } of pending) await rejectRequest(session, requestId);
    const left = await othersOf(deps, gateway, session);
    if (left.length > 0) throw new Error(`still paired: ${describeDevices(left)}`);
    const removed = describeDevices(strangersAmong(deps, gateway, others));
    return `nobody but creel’s new device is paired${removed === '' ? '' : `; removed: ${removed}`}`;
  } finally {
    session.close();
  }
}

function ownOf(deps: Deps, gateway: Changing<Rotation>): string {
  return deps.keys.device(rotated(gateway)).id;
}

async function othersOf(deps: Deps, gateway: Changing<Rotation>, session: Session): Promise<PairedDevice[]> {
  const own = ownOf(deps, gateway);
  return (await listDevices(session)).paired.filter(({ deviceId }) => deviceId !== own);
}

/** The devices among these that are not creel's: its previous one does not pair again. */
function strangersAmong(deps: Deps, gateway: Changing<Rotation>, devices: readonly PairedDevice[]): PairedDevice[] {
  const previous = deps.keys.device(gateway).id;
  return devices.filter(({ deviceId }) => deviceId !== previous);
}
