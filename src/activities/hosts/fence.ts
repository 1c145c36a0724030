import type { FenceSeen } from '../../domain/hosts/fence-trial.js';
import type { Place } from '../../domain/hosts/place.js';
import type { Deps } from '../../world/deps.js';
import { fenceOf } from '../parts/host/fence.js';

/** How the fence around the gateways of an engine is, tried where that is not known of the last hour; undefined where nothing is there to try it with. */
export async function findFence(deps: Deps, { place }: { readonly place: Place }): Promise<FenceSeen | undefined> {
  return fenceOf(deps, place);
}
