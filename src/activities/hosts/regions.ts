import { readRegionKey, regionKey, type RegionAt } from '../../domain/hosts/region.js';
import type { SweptEngine } from '../../wire/sweep.js';
import type { Deps } from '../../world/deps.js';

/** The region that always exists, whose answer says why the others cannot be listed. */
const home: RegionAt = { provider: 'lightsail', region: 'us-east-1' };

/**
 * Every region of the seller of machines, and those that are remembered: a machine that no record knows may be in any.
 * None where no machines are bought. A seller that does not answer holds up nothing: it says why where it is looked at.
 */
export async function findRegionsToAsk(deps: Deps, remembered: readonly string[]): Promise<SweptEngine[]> {
  const known = remembered.flatMap((key) => readRegionKey(key) ?? []);
  const sold = deps.machines ? await soldIn(deps.machines.provider) : [];
  const all = new Map([...sold, ...known].map((at) => [regionKey(at), at]));
  if (deps.machines && all.size === 0) all.set(regionKey(home), home);
  return [...all].map(([engine, at]) => ({ engine, at, attended: true }));
}

async function soldIn(provider: NonNullable<Deps['machines']>['provider']): Promise<RegionAt[]> {
  try {
    return (await provider.listRegions()).map(({ name }) => ({ provider: 'lightsail', region: name }));
  } catch {
    return []; // Whoever looks at a region hears why.
  }
}

/** Every region in which gateways stand on machines of their own, as visibility has them. */
export async function findRegionsOnRecord(deps: Deps): Promise<SweptEngine[]> {
  const all = new Map<string, RegionAt>();
  for await (const { at } of deps.records.onMachines()) {
    const { provider, region } = at;
    all.set(regionKey(at), { provider, region });
  }
  return [...all].map(([engine, at]) => ({ engine, at, attended: true }));
}
