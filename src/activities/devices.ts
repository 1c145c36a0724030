import { z } from 'zod';
import type { Changing } from '../domain/change.js';
import { rotated, type Rotation } from '../domain/rotation.js';
import { operatorDevice } from '../domain/token.js';
import type { Session } from '../ports/gateway-door.js';
import type { Deps } from './deps.js';
import { openSession } from './operator.js';

const pairedDevice = z.looseObject({
  deviceId: z.string(),
  clientId: z.string().default(''),
  platform: z.string().default(''),
  displayName: z.string().default(''),
});

const pairList = z.object({
  paired: z.array(pairedDevice),
  pending: z.array(z.looseObject({ requestId: z.string(), deviceId: z.string() })),
});

export type PairedDevice = z.infer<typeof pairedDevice>;

/** The devices that a gateway knows and those that wait, by its own word. */
export async function listDevices(session: Session): Promise<z.infer<typeof pairList>> {
  return pairList.parse(await session.call('device.pair.list', {}));
}

/** A device as people recognise it. */
export function describeDevice({ deviceId, displayName, clientId, platform }: PairedDevice): string {
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
