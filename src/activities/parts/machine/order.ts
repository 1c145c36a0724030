import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { firewallFor } from '../../../domain/hosts/firewall.js';
import {
  chooseSize,
  chooseSystem,
  describeSize,
  machineNames,
  type MachineOrder,
  type MachineSize,
} from '../../../domain/hosts/machine.js';
import { hostReserveMb, machineDiskGb } from '../../../domain/thresholds.js';
import type { MachineProvider } from '../../../ports/machine-provider.js';
import type { Deps } from '../../../world/deps.js';
import { demandUnderCeiling } from './ceiling.js';
import { machineAt, machinesOf, wishOf } from './own-machine.js';

/** `newUsd`: what one that is still to be bought costs a month. */
type Order = Pick<MachineOrder, 'zones' | 'size' | 'system'> & { readonly newUsd?: number };

/**
 * Refuses, before anything is bought: a worker that is not set up for it, a region or size that there is not, a size that
 * carries no such gateway, a name that somebody else has, and a machine that is gone with what was on it. Says what the
 * machine is and what it costs.
 */
export async function probeMachineOrder(deps: Deps, gateway: Gateway): Promise<string> {
  return offerFor(deps, gateway);
}

/** The same, whoever asks. */
export async function offerFor(deps: Deps, gateway: Gateway): Promise<string> {
  const { provider, workers, fleetKey } = machinesOf(deps);
  fleetKey();
  firewallFor({ workers, ingress: 'none' });
  const { region } = wishOf(gateway);
  const { zones, size } = await orderFor(deps, gateway);
  const sold = (await provider.listSizes(region)).find(({ id }) => id === size);
  return `machine in ${zones[0]}: ${sold ? describeSize(sold) : size}`;
}

/** What the machine is made of: of one that exists what it is, unless the spec asks for another size. */
export async function orderFor(deps: Deps, gateway: Gateway): Promise<Order> {
  const { provider } = machinesOf(deps);
  const found = await provider.findMachine(machineAt(gateway));
  const { size } = wishOf(gateway);
  if (found) return { zones: [found.zone], size: size ?? found.size, system: found.system };
  if (gateway.place.engine !== undefined) throw machineGone(gateway, gateway.place.engine);
  return newOrder(deps, gateway);
}

async function newOrder(deps: Deps, gateway: Gateway): Promise<Order> {
  const { provider } = machinesOf(deps);
  const { region, size: wanted } = wishOf(gateway);
  const { memoryMb, cpus, diskMb = 0 } = gateway.spec;
  const there = (await provider.listRegions()).find(({ name }) => name === region);
  const zones = there?.zones ?? [];
  if (zones.length === 0) throw await noRegion(provider, region);
  const [sizes, systems] = await Promise.all([provider.listSizes(region), provider.listSystems(region)]);
  const diskGb = machineDiskGb + Math.ceil(diskMb / 1024);
  const need = { memoryMb: memoryMb + hostReserveMb, cpus: Math.ceil(cpus), diskGb };
  const size = wanted === undefined ? chooseSize(sizes, need, region) : namedSize(sizes, wanted, region);
  chooseSize([size], need, `${region} (size ${size.id})`);
  await demandUnderCeiling(deps, gateway, size);
  return { zones, size: size.id, system: chooseSystem(systems, region).id, newUsd: size.monthlyUsd };
}

function namedSize(sizes: readonly MachineSize[], wanted: string, region: string): MachineSize {
  const found = sizes.find(({ id }) => id === wanted);
  if (found) return found;
  throw new Refused(
    `region ${region} sells no machine of size ${wanted} that carries a gateway. It sells ${sizes.map(describeSize).join('; ') || 'none'}`,
  );
}

async function noRegion(provider: MachineProvider, region: string): Promise<Refused> {
  const names = (await provider.listRegions()).filter(({ zones }) => zones.length > 0).map(({ name }) => name);
  return new Refused(`there is no region ${region} that takes new machines. Those there are: ${names.join(', ')}`);
}

/** A machine whose engine is on record is not made anew: an empty one in its place would pass for the customer's. */
function machineGone({ mark, spec }: Gateway, engine: string): Refused {
  const { machine } = machineNames(mark);
  const id = mark.gateway;
  return new Refused(
    `machine ${machine} of ${id} is gone from ${spec.machine?.region}, and engine ${engine} with all that was on it. Begin a new life: \`creel remove ${id} --purge\`, then \`creel provision ${id}\`; see docs/runbook.md#machine-gone`,
  );
}
