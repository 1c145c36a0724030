import { markLabels, names } from '../../domain/gateway/gateway.js';
import type { Living } from '../../domain/gateway/life.js';
import type { Deps } from '../../world/deps.js';
import { demandOurs, runs } from './ours.js';
import { demandState } from './kept-state.js';
import { ensureOwnState } from './own-state.js';

/**
 * The state volume exists and is ours. Its labels can never change, so they carry only the mark. One that an earlier
 * operation kept is never made anew: an empty volume in its place would pass for the customer's. Its content is whole
 * and belongs to the record.
 */
export async function ensureState(deps: Deps, gateway: Living): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const { volume } = names(gateway.mark);
  await demandState(deps, gateway);
  if (!(await engine.findVolume(volume))) {
    await engine.createVolume({ name: volume, labels: markLabels(gateway.mark) });
  }
  const found = await engine.findVolume(volume);
  if (!found) throw new Error(`volume ${volume} was removed while it was made`);
  demandOurs('volume', volume, found.labels, gateway);
  if (!(await runs(deps, gateway))) await ensureOwnState(deps, gateway);
}
