import type { Firewall } from '../domain/hosts/firewall.js';
import type { FleetKey } from '../domain/hosts/fleet-key.js';
import type { Held } from '../domain/hosts/held.js';
import type {
  Machine,
  MachineAt,
  MachineOrder,
  MachineSize,
  MachineSystem,
  ReachableMachine,
  Region,
} from '../domain/hosts/machine.js';
import type { HostKey } from '../domain/hosts/ssh-host.js';

/**
 * Who sells machines. Every call may be repeated, and by two at once: a name exists once in a region, so nothing is made
 * twice, even where the answer to a request was lost. What bears our name and is not ours by its mark is `Foreign`, and
 * never touched. A provider that cannot be reached is `Away`; one that is busy, or whose answer was lost, is a plain
 * `Error`, and the next call reads back what came of it; what it can never grant (a quota, a plan, rights) is `Refused`
 * with what to do. Every call ends within a time-out of its own, and when the surrounding activity's signal fires.
 */
export interface MachineProvider {
  listRegions(): Promise<readonly Region[]>;
  /** Sizes that carry a gateway: 2 GB of memory and more, with an IPv4 address; the cheapest first. */
  listSizes(region: string): Promise<readonly MachineSize[]>;
  /** Systems on which the launch script installs Docker. */
  listSystems(region: string): Promise<readonly MachineSystem[]>;

  /** Brings a key into its slot and answers its name. A slot that holds another key is `Refused`. */
  ensureFleetKey(region: string, deployment: string, key: FleetKey): Promise<string>;
  /** The names of the deployment's keys in a region. */
  listFleetKeys(region: string, deployment: string): Promise<readonly string[]>;
  /** Takes a key of the deployment out of its slot; machines that know it still do. */
  removeFleetKey(region: string, deployment: string, name: string): Promise<void>;

  /**
   * Makes the machine with its mark, or adopts the one that has it; one that somebody stopped is started. It need not run
   * yet. `Refused` where one of another size or system exists; `NotYet` while one of the name comes or goes.
   */
  ensureMachine(at: MachineAt, order: MachineOrder): Promise<'created' | 'adopted'>;
  findMachine(at: MachineAt): Promise<Machine | undefined>;
  /**
   * The machine, once it runs and has an address; until then `NotYet` with what is missing. One that is gone is a
   * `StartOver`, and one whose making failed `Refused` with the provider's reason.
   */
  probeMachine(at: MachineAt): Promise<ReachableMachine>;
  /** Keys by which the machine is recognised, to be pinned before the first connection; `NotYet` until the provider has seen them. */
  readHostKeys(at: MachineAt): Promise<readonly HostKey[]>;

  /** Gives a running machine an address of its own that outlives a stop; `NotYet` until it has it. */
  ensureAddress(at: MachineAt): Promise<void>;
  /** Opens exactly what the firewall says and closes everything else; `NotYet` until the provider says so too. */
  ensureFirewall(at: MachineAt, firewall: Firewall): Promise<void>;
  /** Keeps containers from the machine's metadata, where its launch script lies; `NotYet` until that is in force. */
  ensureMetadataFence(at: MachineAt): Promise<void>;

  /**
   * Removes the machine, then its address, then its snapshots with our mark. `NotYet` naming what is still there; when
   * it returns, none of it exists, and nothing of it costs.
   */
  removeMachine(at: MachineAt): Promise<void>;

  /** Everything in a region that costs or holds a name, ours or not. */
  listHeld(region: string): Promise<readonly Held[]>;
}
