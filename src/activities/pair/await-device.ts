import type { Changing } from '../../domain/gateway/changing.js';
import { NotYet } from '../../domain/errors.js';
import { hasConnected, type Pairing } from '../../domain/changes/pairing.js';
import type { Deps } from '../../world/deps.js';
import { describeDevice } from '../parts/door/devices.js';
import { standingOf, watch, wish } from './await-request.js';

/**
 * Waits until the device has connected since its approval; with scopes that are not approved the gateway lets nobody
 * in.
 */
export async function probePaired(deps: Deps, gateway: Changing<Pairing>): Promise<string> {
  return watch(deps, gateway, 'it was approved and has not connected', async (session) => {
    const standing = await standingOf(deps, gateway, session);
    const name = describeDevice(standing.device);
    if (standing.kind === 'asks') throw new NotYet(`${name} asks again, for ${wish(standing.device)}`);
    if (!hasConnected(standing.device)) throw new NotYet(`${name} is approved and has not connected since`);
    const { lastSeenAtMs, approvedAtMs } = standing.device;
    const at = new Date(Math.max(lastSeenAtMs, approvedAtMs)).toISOString();
    return `${name} connected at ${at} with ${wish(standing.device)}`;
  });
}
