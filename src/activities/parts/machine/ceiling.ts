import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { machineNames, type MachineSize } from '../../../domain/hosts/machine.js';
import { spendOf, whyAboveCeiling } from '../../../domain/hosts/spend.js';
import type { Deps } from '../../../world/deps.js';
import { lookInRegions } from './bought.js';
import { notListedYet } from './just-bought.js';
import { machinesOf, wishOf } from './own-machine.js';

/**
 * `Refused` where one more machine would be more than the settings of this worker let the deployment have. What is in
 * regions that no gateway names counts as far as they answer; a region of a gateway that does not is waited for. What this
 * worker has just ordered counts before it is listed.
 */
export async function demandUnderCeiling(deps: Deps, gateway: Gateway, size: MachineSize): Promise<void> {
  const { ceiling, provider } = machinesOf(deps);
  if (!ceiling) return;
  const { named, others } = await lookInRegions(deps, provider, [wishOf(gateway).region]);
  for (const each of named) if ('error' in each) throw each.error;
  const lists = [...named, ...others];
  const held = lists.flatMap((each) => ('held' in each ? each.held : []));
  const listed = spendOf(held, deps.about.deployment);
  const { machine } = machineNames(gateway.mark);
  const more = notListedYet(provider, machine, lists);
  const spend = { machines: listed.machines + more.machines, monthlyUsd: listed.monthlyUsd + more.monthlyUsd };
  const why = whyAboveCeiling(gateway.mark.gateway, ceiling, spend, size.monthlyUsd);
  if (why !== undefined) throw new Refused(why);
}

let last: Promise<unknown> = Promise.resolve();

/** One after the other in this worker, so that each counts what the one before it has bought. */
export function oneAtATime<T>(buy: () => Promise<T>): Promise<T> {
  const next = last.then(buy, buy);
  last = next.catch(() => undefined);
  return next;
}
