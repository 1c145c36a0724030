import type { Changing } from '../../domain/gateway/changing.js';
import { NotYet, Refused } from '../../domain/errors.js';
import type { GatewayRecord } from '../../domain/gateway/reading.js';
import { rotated, type Rotation } from '../../domain/changes/rotation.js';
import { readinessMs } from '../../domain/thresholds.js';
import { containerOf } from '../parts/container/container.js';
import type { Deps } from '../../world/deps.js';
import { networkOf } from '../parts/network.js';
import { ensureOperator } from '../parts/door/operator.js';
import { findGateway } from '../parts/reading.js';
import { until } from '../../world/until.js';

/** The new token lets creel's device in from outside, with `operator.admin`; a wrong one is never tried again (T7). */
export async function probeToken(deps: Deps, gateway: Changing<Rotation>): Promise<string> {
  const next = rotated(gateway);
  deps.keys.of(next); // A worker without the key leaves the wait to one that has it.
  const wait = { what: 'the new token is not accepted from outside', paceMs: 150, limitMs: readinessMs };
  await until(wait, deps.signal(), () => ensureOperator(deps, next));
  const device = next.deviceGeneration === gateway.deviceGeneration ? 'creel’s device' : 'creel’s new device';
  return `generation ${next.tokenGeneration} lets ${device} in from outside with operator.admin`;
}

/**
 * The old token is refused; it is tried once. Where outside clients are locked out it is asked inside, which does not
 * count.
 */
export async function probeRefusal(deps: Deps, gateway: Changing<Rotation>): Promise<string> {
  const { port } = await networkOf(deps, gateway);
  const token = deps.keys.token(gateway);
  const knock = await deps.door.knock({ place: gateway.place, port }, { token, device: undefined, scopes: [] });
  if (knock.kind === 'wrong token') return `generation ${gateway.tokenGeneration} refused from outside, tried once`;
  if (knock.kind === 'locked out') return refusedInside(deps, gateway);
  if (knock.kind === 'open') knock.session.close();
  throw new Refused(`the old token is still accepted or not judged (${knock.kind})`);
}

/** The gateway as it is now, read back by name and proved usable. */
export async function findRotated(deps: Deps, gateway: Changing<Rotation>): Promise<GatewayRecord> {
  return findGateway(deps, rotated(gateway));
}

async function refusedInside(deps: Deps, gateway: Changing<Rotation>): Promise<string> {
  const { name: container } = await containerOf(deps, gateway);
  const token = deps.keys.token(gateway);
  const knock = await deps.door.callInside({ place: gateway.place, container, token }, []);
  if (knock.kind === 'wrong token')
    return `generation ${gateway.tokenGeneration} refused inside; outside clients are locked out, because somebody still knocks with an old token`;
  throw new NotYet(`the old token was not refused inside (${knock.kind})`);
}
