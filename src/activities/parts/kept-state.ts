import { Refused } from '../../domain/errors.js';
import { names } from '../../domain/gateway/gateway.js';
import type { Living } from '../../domain/gateway/life.js';
import type { Deps } from '../../world/deps.js';
import { newestFirst } from './shelves.js';

/** `Refused` when a state that existed is gone. */
export async function demandState(deps: Deps, gateway: Living): Promise<void> {
  const { gateway: id, birth } = gateway.mark;
  const { volume } = names(gateway.mark);
  if (!gateway.hadState || (await deps.engineAt(gateway.place).findVolume(volume))) return;
  const [saved] = await newestFirst(deps, gateway);
  const copy = saved
    ? `; or keep its newest saved state, of release ${saved.release}, in its place: \`creel remove ${id}\`, then \`creel provision ${id} --restore --release ${saved.release}\``
    : '';
  throw new Refused(
    `the state of ${id} (birth ${birth}) is gone from host ${gateway.place.host}: somebody removed volume ${volume}. Put it back from a backup under the same name and labels, and ask again${copy}; or begin a new life without it: \`creel remove ${id} --purge\`, then \`creel provision ${id}\`. See docs/runbook.md#state-gone`,
  );
}
