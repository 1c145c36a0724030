import { setTimeout as after } from 'node:timers/promises';
import type { Held } from '../../../domain/hosts/held.js';
import { otherRegionMs } from '../../../domain/thresholds.js';
import type { MachineProvider } from '../../../ports/machine-provider.js';
import type { Deps } from '../../../world/deps.js';

/** What is held in a region, or why nobody knows. */
export type RegionSeen =
  | { readonly region: string; readonly held: readonly Held[] }
  | { readonly region: string; readonly error: unknown };

/**
 * What is held in every region of the seller, all asked at once: those where gateways stand on record and `also`, which
 * are waited for, and the others, where only something that no record knows can be and which have some seconds.
 */
export async function lookInRegions(
  deps: Deps,
  provider: MachineProvider,
  also: readonly string[],
): Promise<{ readonly named: readonly RegionSeen[]; readonly others: readonly RegionSeen[] }> {
  const named = new Set(also);
  for await (const { at } of deps.records.onMachines()) named.add(at.region);
  const others = (await soldBy(provider)).filter((region) => !named.has(region));
  const ofNamed = [...named].map((region) => seen(region, provider.listHeld(region)));
  const ofOthers = others.map((region) => seen(region, soon(region, provider.listHeld(region))));
  const all = { named: await Promise.all(ofNamed), others: await Promise.all(ofOthers) };
  deps.signal()?.throwIfAborted();
  return all;
}

/** A seller that does not list its regions is asked for those that are known. */
async function soldBy(provider: MachineProvider): Promise<string[]> {
  try {
    return (await provider.listRegions()).map(({ name }) => name);
  } catch {
    return [];
  }
}

async function seen(region: string, look: Promise<readonly Held[]>): Promise<RegionSeen> {
  try {
    return { region, held: await look };
  } catch (error) {
    return { region, error };
  }
}

async function soon<T>(region: string, look: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = after(otherRegionMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`${region} has not answered for ${otherRegionMs / 1000} s`);
  });
  try {
    return await Promise.race([look, late]);
  } finally {
    over.abort();
    for (const loser of [look, late]) loser.catch(() => undefined); // Nobody waits for it any more.
  }
}
