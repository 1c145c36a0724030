import type { Changing } from '../../domain/gateway/changing.js';
import { shortId } from '../../domain/devices/device.js';
import { NotYet, Refused } from '../../domain/errors.js';
import type { Denial, Unpairing } from '../../domain/changes/pairing.js';
import type { Deps } from '../../world/deps.js';
import { readPresent, rejectRequest } from '../parts/door/control.js';
import { describeDevice, describeDevices, forgetDevice, listDevices } from '../parts/door/devices.js';
import { openSession } from '../parts/door/operator.js';
import { demandNotOwn } from './await-request.js';
import { closeSessions } from '../parts/door/sessions.js';

/** Turns down every request of the device. It may ask again. */
export async function ensureDenial(deps: Deps, gateway: Changing<Denial>): Promise<string> {
  const { deviceId } = gateway.change;
  const session = await openSession(deps, gateway);
  const waiting = async () => (await listDevices(session)).pending.filter((each) => each.deviceId === deviceId);
  try {
    const found = await waiting();
    for (const { requestId } of found) await rejectRequest(session, requestId);
    if (found.length === 0) return `no request of device ${shortId(deviceId)} waits`;
    if ((await waiting()).length > 0) throw new NotYet(`device ${shortId(deviceId)} asks again`);
    return `the request of ${describeDevices(found)} was turned down`;
  } finally {
    session.close();
  }
}

/** Refuses to cut off a device that is not paired, or creel's own. */
export async function probeUnpairable(deps: Deps, gateway: Changing<Unpairing>): Promise<string> {
  const { deviceId } = gateway.change;
  demandNotOwn(deps, gateway, { deviceId });
  const session = await openSession(deps, gateway);
  try {
    const { paired, pending } = await listDevices(session);
    const found = [...paired, ...pending].find((each) => each.deviceId === deviceId);
    if (found) return `${describeDevice(found)} is known, with ${found.scopes.join(', ')}`;
    throw new Refused(
      `gateway ${gateway.mark.gateway} does not know device ${shortId(deviceId)}: it is neither paired nor does it wait. \`creel devices ${gateway.mark.gateway}\` lists those there are`,
    );
  } finally {
    session.close();
  }
}

/** Cuts the device off: no session of it is open, it is not paired, and no request of it waits. */
export async function ensureCutOff(deps: Deps, gateway: Changing<Unpairing>): Promise<string> {
  const { deviceId } = gateway.change;
  const session = await openSession(deps, gateway);
  try {
    deps.signal()?.throwIfAborted();
    const { paired } = await listDevices(session);
    const found = paired.filter((each) => each.deviceId === deviceId);
    const said = found.length > 0 && (await closeSessions(session, deps.keys.device(gateway).id, found));
    await forgetDevice(session, deviceId);
    return said
      ? `device ${shortId(deviceId)} shut out, ${said}, and removed`
      : `device ${shortId(deviceId)} is not paired`;
  } finally {
    session.close();
  }
}

/** Proves that the gateway no longer lists the device as paired, and no session of it as open. */
export async function probeCutOff(deps: Deps, gateway: Changing<Unpairing>): Promise<string> {
  const { deviceId } = gateway.change;
  const session = await openSession(deps, gateway);
  try {
    const { paired } = await listDevices(session);
    if (paired.some((each) => each.deviceId === deviceId))
      throw new Refused(`device ${shortId(deviceId)} is still paired, or again: somebody approved it meanwhile`);
    if ((await readPresent(session)).includes(deviceId))
      throw new NotYet(`a session of device ${shortId(deviceId)} is still listed as open`);
    return `device ${shortId(deviceId)} is paired no more, and no session of it is listed as open`;
  } finally {
    session.close();
  }
}
