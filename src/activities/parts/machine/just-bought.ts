import type { Spend } from '../../../domain/hosts/spend.js';
import { machineUnseenMs } from '../../../domain/thresholds.js';
import type { MachineProvider } from '../../../ports/machine-provider.js';
import type { RegionSeen } from './bought.js';

type JustBought = { readonly at: number; readonly region: string; readonly monthlyUsd: number };

/** What this process has ordered lately, by the names of the machines: a seller may not list it yet, and it costs. */
const ordered = new WeakMap<MachineProvider, Map<string, JustBought>>();

/** Before a machine of this price is ordered: whatever becomes of the answer, it may be there. */
export function noteOrder(provider: MachineProvider, machine: string, region: string, monthlyUsd: number): void {
  const all = ordered.get(provider) ?? new Map<string, JustBought>();
  ordered.set(provider, all.set(machine, { at: Date.now(), region, monthlyUsd }));
}

/** When it is known that there is no such machine. */
export function forgetOrder(provider: MachineProvider, machine: string): void {
  ordered.get(provider)?.delete(machine);
}

/** What is to be added to these lists: orders of other machines than this one, in those regions, that are too young to be listed. */
export function notListedYet(provider: MachineProvider, machine: string, lists: readonly RegionSeen[]): Spend {
  const all = ordered.get(provider) ?? new Map<string, JustBought>();
  for (const [name, { at }] of all) if (Date.now() - at > machineUnseenMs) all.delete(name);
  const missing = lists.flatMap((list) => {
    if (!('held' in list)) return [];
    const listed = new Set([machine, ...list.held.map(({ name }) => name)]);
    return [...all].flatMap(([name, each]) => (each.region === list.region && !listed.has(name) ? [each] : []));
  });
  return { machines: missing.length, monthlyUsd: missing.reduce((sum, { monthlyUsd }) => sum + monthlyUsd, 0) };
}
