import type { DeviceList } from '../domain/device.js';
import type { Gateway } from '../domain/gateway.js';
import type { Deps } from './deps.js';
import { listDevices } from './devices.js';
import { openSession } from './operator.js';

/** The devices that are paired and those that wait, as the gateway tells of them now. */
export const findDevices = (deps: Deps) =>
  async function findDevices(gateway: Gateway): Promise<DeviceList> {
    const session = await openSession(deps, gateway);
    try {
      return {
        own: deps.keys.device(gateway).id,
        ...(await listDevices(session)),
      };
    } finally {
      session.close();
    }
  };
