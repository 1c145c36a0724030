import type { DeviceList } from '../../domain/devices/device.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { devicesShown } from '../../domain/thresholds.js';
import type { Deps } from '../../world/deps.js';
import { listDevices } from '../parts/door/devices.js';
import { openSession } from '../parts/door/operator.js';

/** The devices that are paired and those that wait, as the gateway tells of them now. */
export async function findDevices(deps: Deps, gateway: Gateway): Promise<DeviceList> {
  const session = await openSession(deps, gateway);
  try {
    const { paired, pending } = await listDevices(session);
    const own = deps.keys.device(gateway).id;
    const left = Math.max(0, paired.length - devicesShown) + Math.max(0, pending.length - devicesShown);
    return {
      own,
      paired: paired.slice(0, devicesShown),
      pending: pending.slice(0, devicesShown),
      ...(left > 0 && { left }),
    };
  } finally {
    session.close();
  }
}
