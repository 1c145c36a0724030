import { z } from 'zod';
import type { Changing } from '../domain/change.js';
import type { KnownDevice, PairedDevice, PendingDevice } from '../domain/device.js';
import { rotated, type Rotation } from '../domain/rotation.js';
import { operatorDevice } from '../domain/token.js';
import type { Session } from '../ports/gateway-door.js';
import type { Deps } from './deps.js';
import { openSession } from './operator.js';

const known = {
  deviceId: z.string(),
  clientId: z.string().default(''),
  platform: z.string().default(''),
  displayName: z.string().default(''),
  roles: z.array(z.string()).default([]),
  scopes: z.array(z.string()).default([]),
};

const pairedDevice = z.object({
  ...known,
  createdAtMs: z.number().default(0),
  approvedAtMs: z.number().default(0),
  approvedVia: z.string().default(''),
  lastSeenAtMs: z.number().default(0),
});

const pendingDevice = z.object({
  ...known,
  requestId: z.string(),
  remoteIp: z.string().default(''),
  ts: z.number().default(0),
});

const pairList = z.object({ paired: z.array(pairedDevice), pending: z.array(pendingDevice) });

/** The devices that a gateway knows and those that wait, by its own word. */
export async function listDevices(session: Session): Promise<{ paired: PairedDevice[]; pending: PendingDevice[] }> {
  return pairList.parse(await session.call('device.pair.list', {}));
}

/** A device as people recognise it. */
export function describeDevice({ deviceId, displayName, clientId, platform }: KnownDevice): string {
  const what = [displayName, clientId, platform].filter((word) => word !== '').join(', ');
  return `${deviceId.slice(0, 12)}${what === '' ? '' : ` (${what})`}`;
}

/** Names the devices that creel did not approve: a rotation leaves them in. */
export const findStrangers = (deps: Deps) =>
  async function findStrangers(gateway: Changing<Rotation>): Promise<string> {
    const next = rotated(gateway);
    const known = new Set([operatorDevice(deps.key, next.mark, next.deviceGeneration).id, ...gateway.change.approved]);
    const session = await openSession(deps, next);
    try {
      const { paired } = await listDevices(session);
      const strangers = paired.filter(({ deviceId }) => !known.has(deviceId));
      if (strangers.length === 0) return `${paired.length} paired, all approved by creel`;
      return `not approved by creel, still let in: ${strangers.map(describeDevice).join('; ')}`;
    } finally {
      session.close();
    }
  };
