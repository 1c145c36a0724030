import type { Changing } from '../../domain/gateway/changing.js';
import { NotYet } from '../../domain/errors.js';
import { hasConnected, type Pairing } from '../../domain/changes/pairing.js';
import type { Deps } from '../../world/deps.js';
import { describeDevice } from '../parts/door/devices.js';
import { findWanted, whilePairing, wish } from './await-request.js';

/**
 * Waits until the device has connected since its approval; with scopes that are not approved the gateway lets nobody
 * in.
 */
export async function probePaired(deps: Deps, gateway: Changing<Pairing>): Promise<string> {
  return whilePairing(deps, gateway, 'it was approved and has not connected', async (session) => {
    const found = await findWanted(deps, gateway, session);
    const name = describeDevice(found.device);
    if (found.kind === 'asks') throw new NotYet(`${name} asks again, for ${wish(found.device)}`);
    if (!hasConnected(found.device)) throw new NotYet(`${name} is approved and has not connected since`);
    const { lastSeenAtMs, approvedAtMs } = found.device;
    const at = new Date(Math.max(lastSeenAtMs, approvedAtMs)).toISOString();
    return `${name} connected at ${at} with ${wish(found.device)}`;
  });
}
