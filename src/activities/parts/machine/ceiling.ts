import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { Held } from '../../../domain/hosts/held.js';
import type { MachineSize } from '../../../domain/hosts/machine.js';
import { spendOf, whyAboveCeiling } from '../../../domain/hosts/spend.js';
import type { Deps } from '../../../world/deps.js';
import { machinesOf, wishOf } from './own-machine.js';

/** `Refused` where one more machine would be more than the settings of this worker let the deployment have. */
export async function demandUnderCeiling(deps: Deps, gateway: Gateway, size: MachineSize): Promise<void> {
  const { ceiling, provider } = machinesOf(deps);
  if (!ceiling) return;
  const { deployment, gateway: id } = gateway.mark;
  const regions = new Set([wishOf(gateway).region]);
  for await (const { at } of deps.records.onMachines()) regions.add(at.region);
  const held: Held[] = [];
  for (const region of regions) held.push(...(await provider.listHeld(region)));
  const why = whyAboveCeiling(id, ceiling, spendOf(held, deployment), size.monthlyUsd);
  if (why !== undefined) throw new Refused(why);
}

let last: Promise<unknown> = Promise.resolve();

/** One after the other in this worker, so that each counts what the one before it has bought. */
export function oneAtATime<T>(buy: () => Promise<T>): Promise<T> {
  const next = last.then(buy, buy);
  last = next.catch(() => undefined);
  return next;
}
