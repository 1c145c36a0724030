import type { Kept, Vanished } from '../../wire/answer.js';
import { names, type Gateway } from '../../domain/gateway/gateway.js';
import type { Deps } from '../../world/deps.js';
import { demandOurs } from './ours.js';
import { findMark } from './own-state.js';
import { fetchReader, findReader } from './release.js';
import { newestFirst } from './shelves.js';

/**
 * Where there are saved states that a removal may have to put back, the host has an image that can read and copy them.
 */
export async function ensureReader(deps: Deps, gateway: Gateway): Promise<void> {
  if ((await newestFirst(deps, gateway)).length > 0) await fetchReader(deps, gateway);
}

/**
 * What a removal has kept, where that differs from the record: nothing, or a state of another release. The state's own
 * mark says which release; one without a mark, or that no image on the host can read, counts as the record's.
 */
export async function findKept(deps: Deps, gateway: Gateway): Promise<Kept | Vanished | undefined> {
  const { volume } = names(gateway.mark);
  const found = await deps.engineAt(gateway.place).findVolume(volume);
  demandOurs('volume', volume, found?.labels, gateway);
  if (!found) return { proof: `there is no volume ${volume}: nothing is kept`, vanished: true };
  if (!(await findReader(deps, gateway))) return undefined;
  const mark = await findMark(deps, gateway);
  if (!mark?.whole || mark.release === gateway.spec.release) return undefined;
  return { proof: `the state in volume ${volume} belongs to release ${mark.release}`, keptRelease: mark.release };
}
