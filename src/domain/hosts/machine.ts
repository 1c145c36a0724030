import { Bug, Refused } from '../errors.js';
import { layout, type Mark } from '../gateway/gateway.js';

/** The machine of one life of a gateway, in a region of its provider. */
export type MachineAt = { readonly mark: Mark; readonly region: string };

/** What a machine is made of. It never changes in a machine's life. */
export type MachineOrder = {
  /** Of the region, for example `eu-central-1a`, in the order in which they are tried: one may have no room. */
  readonly zones: readonly string[];
  readonly size: string;
  readonly system: string;
  /** The fleet key that lets the workers in, by its name. */
  readonly key: string;
  /** Runs once, as root, at the first boot. Everybody on the machine can read it. */
  readonly launchScript: string;
};

/** A machine as its provider describes it. */
export type Machine = {
  readonly name: string;
  /** The provider's own id: another machine that takes the same name later has another one. */
  readonly id: string;
  readonly zone: string;
  readonly state: 'pending' | 'running' | 'stopping' | 'stopped' | 'ending' | 'other';
  /** Undefined until the provider has given it one, which may be after it runs. */
  readonly address: string | undefined;
  readonly isAddressStatic: boolean;
  readonly size: string;
  readonly system: string;
  readonly key: string | undefined;
  /** The user that is logged in as. */
  readonly login: string | undefined;
  /** Whether a container of it cannot read the launch script and the machine's credentials. */
  readonly isMetadataFenced: boolean;
};

/** A machine that has all that is needed to knock at it. */
export type ReachableMachine = Machine & { readonly address: string; readonly login: string };

/** A region and its zones that take new machines. */
export type Region = { readonly name: string; readonly zones: readonly string[] };

/** What a provider sells. It is paid while the machine exists, whether it runs or not. */
export type MachineSize = {
  readonly id: string;
  readonly memoryMb: number;
  readonly cpus: number;
  readonly diskGb: number;
  readonly monthlyUsd: number;
};

/** What a machine can be installed with; `family` is Debian or something that installs packages as Debian does. */
export type MachineSystem = { readonly id: string; readonly family: 'debian' | 'ubuntu'; readonly version: number };

/** What a machine must have: a gateway needs 2 GB of memory, and with its image and a second release 20 GB of disk. */
export type MachineNeed = { readonly memoryMb: number; readonly cpus: number; readonly diskGb: number };

/** Less memory than this carries no gateway, whatever it is promised. */
export const leastMachineMb = 2_048;

/** The names of a machine and of what belongs to it (layout 1). All of a region's things share one namespace. */
export function machineNames({ deployment, gateway, birth }: Omit<Mark, 'layout'>): {
  readonly machine: string;
  /** Names the deployment, because an address carries no mark beside its name. */
  readonly address: string;
} {
  return { machine: `oc-${gateway}-${birth}`, address: `oc-${deployment}-${gateway}-${birth}-ip` };
}

const machineForm = /^oc-([a-z][a-z0-9-]{0,29})-([a-z2-9]{6})$/;

/** Which life a machine of a deployment is of, by its name (layout 1); `Bug` for any other name. */
export function machineMark(name: string, deployment: string): Mark {
  const [, gateway, birth] = machineForm.exec(name) ?? [];
  if (gateway && birth) return { deployment, gateway, birth, layout };
  throw new Bug(`${JSON.stringify(name)} is no name of a machine`);
}

const addressForm = /^oc-([a-z0-9]{10})-([a-z][a-z0-9-]{0,29})-([a-z2-9]{6})-ip$/;

/** Whose a static address is, by its name (layout 1); undefined when the name says nothing. */
export function readAddressName(name: string): Mark | undefined {
  const [, deployment, gateway, birth] = addressForm.exec(name) ?? [];
  return deployment && gateway && birth ? { deployment, gateway, birth, layout } : undefined;
}

/** The cheapest size that has what is needed; `Refused` naming the largest one there is. */
export function chooseSize(sizes: readonly MachineSize[], need: MachineNeed, region: string): MachineSize {
  const memoryMb = Math.max(need.memoryMb, leastMachineMb);
  const fits = sizes.filter(
    (each) => each.memoryMb >= memoryMb && each.cpus >= need.cpus && each.diskGb >= need.diskGb,
  );
  const chosen = fits.toSorted(cheapestFirst)[0];
  if (chosen) return chosen;
  const largest = sizes.toSorted(cheapestFirst).at(-1);
  const there = largest ? `its largest is ${describeSize(largest)}` : 'it sells none';
  throw new Refused(
    `region ${region} has no machine with ${memoryMb} MB of memory, ${need.cpus} processors and ${need.diskGb} GB of disk: ${there}. Ask for less, or choose another region`,
  );
}

/** A size for people, with its price. */
export function describeSize({ id, memoryMb, cpus, diskGb, monthlyUsd }: MachineSize): string {
  return `${id} (${memoryMb / 1024} GB of memory, ${cpus} processors, ${diskGb} GB of disk, ${monthlyUsd} USD a month, stopped or not)`;
}

/** Where the launch script installs a Docker that creel was run on: the newest Debian, else the newest Ubuntu; or `Refused`. */
export function chooseSystem(systems: readonly MachineSystem[], region: string): MachineSystem {
  const [chosen] = systems
    .filter(({ family, version }) => version >= (family === 'debian' ? 12 : 2204))
    .toSorted((one, other) => one.family.localeCompare(other.family) || other.version - one.version);
  if (chosen) return chosen;
  throw new Refused(`region ${region} offers neither Debian 12 nor Ubuntu 22.04 or newer. Choose another region`);
}

function cheapestFirst(one: MachineSize, other: MachineSize): number {
  return one.monthlyUsd - other.monthlyUsd || other.memoryMb - one.memoryMb || one.id.localeCompare(other.id);
}
