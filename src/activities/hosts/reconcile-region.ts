import { Foreign } from '../../domain/errors.js';
import { machineDriftsOf } from '../../domain/reconcile/machine-drift.js';
import { placeOn, regionKey, type RegionAt } from '../../domain/hosts/region.js';
import { machineNames } from '../../domain/hosts/machine.js';
import type { Drifted, DriftPage } from '../../wire/reconcile.js';
import type { Deps } from '../../world/deps.js';
import { machineAt, machinesOf } from '../parts/machine/own-machine.js';
import { eachMachine, lookInTime } from './machine-look.js';
import { driftIn, engineDrifts } from './reconcile.js';
import { settledLife, type PageAsked, type SettledLife } from './settled-life.js';

export type RegionPageAsked = Pick<PageAsked, 'after' | 'limit'> & { readonly at: RegionAt };

/**
 * Of one page of the gateways that stand on machines of their own in a region, those that are ready by their record and
 * not as recorded: the machine is gone, stands still, is of another size, has another engine; or what is on it.
 */
export async function findUnlikeRecordIn(deps: Deps, { at, after, limit }: RegionPageAsked): Promise<DriftPage> {
  const all: string[] = [];
  for await (const each of deps.records.onMachines())
    if (each.phase === 'ready' && regionKey(each.at) === regionKey(at)) all.push(each.gateway);
  const order = all.toSorted();
  const page = order.filter((gateway) => gateway > after).slice(0, limit);
  const seen = await eachMachine(page, (gateway) => lookAt(deps, gateway));
  const last = page.at(-1);
  return {
    ready: seen.filter((each) => each !== undefined).length,
    drifted: seen.flatMap((each) => (each && 'drifts' in each && each.drifts.length > 0 ? [each] : [])),
    unasked: seen.flatMap((each) => (each && 'reason' in each ? [each] : [])),
    ...(last !== undefined && last !== order.at(-1) && { next: last }),
  };
}

type Unasked = { readonly engine: string; readonly reason: string };

async function lookAt(deps: Deps, id: string): Promise<Drifted | Unasked | undefined> {
  deps.signal()?.throwIfAborted();
  const told = await deps.records.describe(id);
  const on = { engine: told?.life?.place.engine ?? '' };
  if (!told?.life || !settledLife(told, on)) return undefined;
  const { machine } = machineNames(told.life.mark);
  try {
    return await lookInTime(() => driftIn(deps, id, on, (settled) => driftsOn(deps, settled)));
  } catch (error) {
    deps.signal()?.throwIfAborted();
    return { engine: `of machine ${machine}`, reason: error instanceof Error ? error.message : String(error) };
  }
}

async function driftsOn(deps: Deps, settled: SettledLife): Promise<string[]> {
  const { life } = settled;
  const { machine } = machineNames(life.mark);
  const { region, size } = life.spec.machine ?? {};
  try {
    const found = await machinesOf(deps).provider.findMachine(machineAt(life));
    const drifts = machineDriftsOf({ machine, region: region ?? '', size }, found);
    if (found?.state !== 'running') return drifts;
    const { provider } = life.place;
    const at = provider === 'local' || region === undefined ? undefined : { provider, region, host: machine };
    return [...drifts, ...(await engineDrifts(deps, settled, placeOn(life.place.engine ?? '', at)))];
  } catch (error) {
    if (error instanceof Foreign) return [`machine ${machine} is not the one on record: ${error.message}`];
    throw error;
  }
}
