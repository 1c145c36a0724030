import { NotYet, StartOver } from '../../domain/errors.js';
import type { Firewall } from '../../domain/hosts/firewall.js';
import type { FleetKey } from '../../domain/hosts/fleet-key.js';
import type { Held } from '../../domain/hosts/held.js';
import { machineNames, type MachineAt, type MachineOrder } from '../../domain/hosts/machine.js';
import type { MachineProvider } from '../../ports/machine-provider.js';
import { Addresses } from './addresses.js';
import { Lightsail } from './ask.js';
import { ensureFirewall } from './firewall.js';
import { FleetKeys } from './fleet-keys.js';
import { heldAddress, heldKey, heldMachine, heldSnapshot } from './held.js';
import { Machines } from './machines.js';
import { Offers } from './offers.js';
import { Snapshots } from './snapshots.js';

/** Machines of AWS Lightsail, with the credentials that the AWS SDK finds. */
export class LightsailMachines implements MachineProvider {
  readonly #lightsail: Lightsail;
  readonly #offers: Offers;
  readonly #keys: FleetKeys;
  readonly #machines: Machines;
  readonly #addresses: Addresses;
  readonly #snapshots: Snapshots;

  /** `signal` is the cancellation of the current activity; `endpoint` stands in for Amazon's own where it is given. */
  constructor(signal: () => AbortSignal | undefined, endpoint?: string) {
    this.#lightsail = new Lightsail(signal, endpoint);
    this.#offers = new Offers(this.#lightsail);
    this.#keys = new FleetKeys(this.#lightsail);
    this.#machines = new Machines(this.#lightsail);
    this.#addresses = new Addresses(this.#lightsail);
    this.#snapshots = new Snapshots(this.#lightsail);
  }

  listRegions() {
    return this.#offers.regions();
  }

  listSizes(region: string) {
    return this.#offers.sizes(region);
  }

  listSystems(region: string) {
    return this.#offers.systems(region);
  }

  ensureFleetKey(region: string, deployment: string, key: FleetKey) {
    return this.#keys.ensure(region, deployment, key);
  }

  listFleetKeys(region: string, deployment: string) {
    return this.#keys.of(region, deployment);
  }

  removeFleetKey(region: string, deployment: string, name: string) {
    return this.#keys.remove(region, deployment, name);
  }

  ensureMachine(at: MachineAt, order: MachineOrder) {
    return this.#machines.ensure(at, order);
  }

  findMachine(at: MachineAt) {
    return this.#machines.find(at);
  }

  probeMachine(at: MachineAt) {
    return this.#machines.probe(at);
  }

  readHostKeys(at: MachineAt) {
    return this.#machines.readHostKeys(at);
  }

  async ensureAddress(at: MachineAt) {
    await this.#addresses.ensure(at, await this.#demand(at));
  }

  async ensureFirewall(at: MachineAt, firewall: Firewall) {
    await this.#demand(at);
    await ensureFirewall(this.#lightsail, at, firewall);
  }

  ensureMetadataFence(at: MachineAt) {
    return this.#machines.fenceMetadata(at);
  }

  async removeMachine(at: MachineAt) {
    const { machine, address } = machineNames(at.mark);
    if ((await this.#machines.remove(at)) === 'going')
      throw new NotYet(`machine ${machine} in ${at.region} is being deleted`);
    if ((await this.#addresses.remove(at)) === 'going')
      throw new NotYet(`address ${address} in ${at.region} is being released`);
    const [snapshot] = await this.#snapshots.remove(at);
    if (snapshot !== undefined) throw new NotYet(`snapshot ${snapshot} in ${at.region} is being deleted`);
  }

  async listHeld(region: string): Promise<Held[]> {
    const machines = await this.#machines.list(region);
    const prices = machines.length === 0 ? new Map<string, number>() : await this.#offers.prices(region);
    return [
      ...machines.map((each) => heldMachine(each, prices)),
      ...(await this.#addresses.list(region)).map(heldAddress),
      ...(await this.#snapshots.list(region)).map(heldSnapshot),
      ...(await this.#keys.list(region)).map(heldKey),
    ];
  }

  /** Lets go of the connections. */
  close(): void {
    this.#lightsail.close();
  }

  async #demand(at: MachineAt) {
    const found = await this.#machines.find(at);
    if (!found) throw new StartOver(`machine ${machineNames(at.mark).machine} in ${at.region} is gone`);
    return found;
  }
}
