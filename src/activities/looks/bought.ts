import type { Held } from '../../domain/hosts/held.js';
import { spendOf } from '../../domain/hosts/spend.js';
import type { Bought, BoughtMachine } from '../../wire/bought.js';
import type { Deps } from '../../world/deps.js';
import { lookInRegions } from '../parts/machine/bought.js';

/** What the deployment has bought in all regions, with what it may; null where this worker buys no machines. */
export async function findBought(deps: Deps): Promise<Bought | null> {
  const { machines, about } = deps;
  if (!machines) return null;
  const { named, others } = await lookInRegions(deps, machines.provider, []);
  const regions = [...named, ...others];
  const held = regions.flatMap((each) => ('held' in each ? each.held : []));
  const bought = regions.flatMap((each) =>
    'held' in each ? each.held.flatMap((thing) => machineIn(thing, each.region, about.deployment)) : [],
  );
  return {
    machines: bought.toSorted((one, other) => one.gateway.localeCompare(other.gateway, 'en', { numeric: true })),
    spend: spendOf(held, about.deployment),
    ...(machines.ceiling && { ceiling: machines.ceiling }),
    unseen: regions.flatMap((each) =>
      'error' in each ? [{ region: each.region, reason: String(Object(each.error).message ?? each.error) }] : [],
    ),
  };
}

function machineIn({ kind, name, mark, state, size, monthlyUsd }: Held, region: string, ours: string): BoughtMachine[] {
  if (kind !== 'machine' || mark?.deployment !== ours) return [];
  const { gateway, birth } = mark;
  const told = {
    ...(state !== undefined && { state }),
    ...(size !== undefined && { size }),
    ...(monthlyUsd !== undefined && { monthlyUsd }),
  };
  return [{ name, provider: 'lightsail', region, ...told, gateway, birth }];
}
