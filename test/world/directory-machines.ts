import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { Away, Bug, Foreign, NotYet, Refused, StartOver } from '../../src/domain/errors.js';
import { carries, markLabels, readMark, type Mark } from '../../src/domain/gateway/gateway.js';
import type { Firewall } from '../../src/domain/hosts/firewall.js';
import { fleetKeyName, readFleetKeyName, type FleetKey } from '../../src/domain/hosts/fleet-key.js';
import { addressUsd, snapshotUsd, type Held } from '../../src/domain/hosts/held.js';
import {
  machineNames,
  readAddressName,
  type Machine,
  type MachineAt,
  type MachineOrder,
  type MachineSize,
  type MachineSystem,
  type ReachableMachine,
  type Region,
} from '../../src/domain/hosts/machine.js';
import type { HostKey } from '../../src/domain/hosts/ssh-host.js';
import type { MachineProvider } from '../../src/ports/machine-provider.js';
import { createFile, listNames, readRecord, removeFile, replaceFile } from './directory-files.js';

const labels = z.record(z.string(), z.string());
const base = { id: z.string(), createdAt: z.number() };
const machineShape = z.object({
  ...base,
  kind: z.literal('machine'),
  labels,
  zone: z.string(),
  size: z.string(),
  system: z.string(),
  key: z.string(),
  launchScript: z.string(),
  power: z.enum(['on', 'off']),
  address: z.string(),
  isFenced: z.boolean(),
  firewall: z.array(z.object({ port: z.number(), from: z.array(z.string()) })),
  endsAt: z.number().optional(),
});
const thingShape = z.discriminatedUnion('kind', [
  machineShape,
  z.object({ ...base, kind: z.literal('address'), address: z.string(), attachedTo: z.string().optional() }),
  z.object({ ...base, kind: z.literal('key'), publicKey: z.string() }),
  z.object({ ...base, kind: z.literal('snapshot'), labels }),
  z.object({ ...base, kind: z.literal('disk') }),
]);
type Thing = z.infer<typeof thingShape>;
type MachineThing = z.infer<typeof machineShape>;

const accountShape = z.object({
  machines: z.number().default(20),
  addresses: z.number().default(5),
  largestMb: z.number().default(1_048_576),
  isSetUp: z.boolean().default(true),
  regions: z.array(z.string()).default(['eu-central-1']),
  /** Regions that answer no list. */
  silentRegions: z.array(z.string()).default([]),
  /** Zones that take no new machine now. */
  fullZones: z.array(z.string()).default([]),
  isAway: z.boolean().default(false),
  /** Nothing that takes its time comes to its end. */
  isHeld: z.boolean().default(false),
  /** How often the answer to what was done is lost. */
  lost: z.number().default(0),
});
type Account = z.infer<typeof accountShape>;

const pendingMs = 30;
const addressMs = 60;
const endingMs = 30;

const sizes: readonly MachineSize[] = [
  { id: 'small', memoryMb: 2_048, cpus: 2, diskGb: 60, monthlyUsd: 12 },
  { id: 'medium', memoryMb: 4_096, cpus: 2, diskGb: 80, monthlyUsd: 24 },
];
const systems: readonly MachineSystem[] = [
  { id: 'debian_12', family: 'debian', version: 12 },
  { id: 'ubuntu_24_04', family: 'ubuntu', version: 2404 },
];

/** A seller of machines that is a directory: a file for everything that bears a name in a region. */
export class DirectoryMachines implements MachineProvider {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async listRegions(): Promise<Region[]> {
    this.#demandOpen();
    return this.#account.regions.map((name) => ({ name, zones: [`${name}a`, `${name}b`] }));
  }

  async listSizes() {
    this.#demandOpen();
    return sizes;
  }

  async listSystems() {
    this.#demandOpen();
    return systems;
  }

  async ensureFleetKey(region: string, deployment: string, key: FleetKey): Promise<string> {
    const name = fleetKeyName(deployment, key);
    const other = (await this.listFleetKeys(region, deployment)).find(
      (each) => each !== name && readFleetKeyName(each)?.slot === key.slot,
    );
    if (other !== undefined)
      throw new Refused(`slot ${key.slot} of the fleet key in ${region} holds another key (${other})`);
    const made = this.#make(region, name, { ...this.#base(), kind: 'key', publicKey: key.publicKey });
    if (!made && this.#thing(region, name)?.kind !== 'key') throw foreign(name);
    if (made) this.#answer();
    return name;
  }

  async listFleetKeys(region: string, deployment: string): Promise<string[]> {
    this.#demandOpen();
    return this.#names(region).filter((name) => readFleetKeyName(name)?.deployment === deployment);
  }

  async removeFleetKey(region: string, deployment: string, name: string): Promise<void> {
    this.#demandOpen();
    if (readFleetKeyName(name)?.deployment !== deployment) throw new Bug(`${name} is no fleet key of ${deployment}`);
    removeFile(this.#file(region, name));
    this.#answer();
  }

  async ensureMachine(at: MachineAt, order: MachineOrder): Promise<'created' | 'adopted'> {
    const name = nameAt(at);
    this.#demandOpen();
    const before = this.#thing(at.region, name);
    if (before) return this.#adopt(at, order, before);
    if (this.#thing(at.region, order.key)?.kind !== 'key') throw new StartOver(`fleet key ${order.key} is not there`);
    const zone = this.#demandRoom(at.region, order);
    const rest = { power: 'on', address: anAddress(), isFenced: false, firewall: firstFirewall } as const;
    const { size, system, key, launchScript } = order;
    const made = {
      kind: 'machine',
      labels: markLabels(at.mark),
      zone,
      size,
      system,
      key,
      launchScript,
      ...rest,
    } as const;
    if (!this.#make(at.region, name, { ...this.#base(), ...made })) return this.ensureMachine(at, order);
    this.#answer();
    return 'created';
  }

  async findMachine(at: MachineAt): Promise<Machine | undefined> {
    const found = this.#find(at);
    return found && this.#view(at, found);
  }

  async probeMachine(at: MachineAt): Promise<ReachableMachine> {
    const found = await this.findMachine(at);
    if (!found || found.state === 'ending') throw new StartOver(`machine ${nameAt(at)} is gone`);
    const { address, login, state } = found;
    if (state !== 'running') throw new NotYet(`machine ${nameAt(at)} is ${state}`);
    if (address === undefined || login === undefined) throw new NotYet(`machine ${nameAt(at)} has no address yet`);
    return { ...found, address, login };
  }

  async readHostKeys(at: MachineAt): Promise<HostKey[]> {
    const { id } = await this.probeMachine(at);
    return [{ type: 'ssh-ed25519', base64: Buffer.from(id).toString('base64') }];
  }

  async ensureAddress(at: MachineAt): Promise<void> {
    const { machine, address: name } = machineNames(at.mark);
    const { state } = this.#view(at, this.#demand(at));
    if (state !== 'running') throw new NotYet(`machine ${machine} is ${state}`);
    const before = this.#thing(at.region, name);
    if (before && (before.kind !== 'address' || (before.attachedTo ?? machine) !== machine)) throw foreign(name);
    if (before?.attachedTo === machine) return;
    const taken = this.#things(at.region).filter(({ thing }) => thing.kind === 'address').length;
    if (!before && taken >= this.#account.addresses) throw new Refused(`quota of ${taken} addresses is used up`);
    const made = before ?? ({ ...this.#base(), kind: 'address', address: anAddress() } as const);
    replaceFile(this.#file(at.region, name), JSON.stringify({ ...made, attachedTo: machine }));
    this.#answer();
  }

  async ensureFirewall(at: MachineAt, firewall: Firewall): Promise<void> {
    this.#update(at, { firewall: firewall.rules.map(({ port, from }) => ({ port, from: [...from] })) });
    this.#answer();
  }

  async ensureMetadataFence(at: MachineAt): Promise<void> {
    const { state } = this.#view(at, this.#demand(at));
    if (state !== 'running') throw new NotYet(`machine ${nameAt(at)} is ${state}`);
    this.#update(at, { isFenced: true });
    this.#answer();
  }

  async removeMachine(at: MachineAt): Promise<void> {
    const { machine, address } = machineNames(at.mark);
    const found = this.#find(at);
    if (found) {
      if (found.endsAt === undefined) this.#update(at, { endsAt: Date.now() + endingMs });
      this.#answer();
      throw new NotYet(`machine ${machine} is being deleted`);
    }
    const kept = this.#thing(at.region, address);
    if (kept?.kind === 'address' && (kept.attachedTo ?? machine) !== machine) throw foreign(address);
    if (kept?.kind === 'address') removeFile(this.#file(at.region, address));
    for (const { name, thing } of this.#things(at.region))
      if (thing.kind === 'snapshot' && carries(thing.labels, at.mark)) removeFile(this.#file(at.region, name));
    this.#answer();
  }

  async listHeld(region: string): Promise<Held[]> {
    this.#demandOpen();
    if (this.#account.silentRegions.includes(region)) throw new Away(`nobody answers for ${region}`);
    return this.#things(region).flatMap(({ name, thing }): Held[] => {
      const { kind, id, createdAt } = thing;
      if (kind === 'disk') return [];
      const labels = 'labels' in thing ? thing.labels : {};
      const mark = kind === 'address' ? readAddressName(name) : readMark(labels);
      const deployment = mark?.deployment ?? readFleetKeyName(name)?.deployment ?? labels['creel.deployment'];
      const state = thing.kind === 'machine' && mark ? this.#view({ mark, region }, thing).state : undefined;
      const own = { ...(state && { state }), ...(thing.kind === 'machine' && { size: thing.size }) };
      return [{ kind, name, id, createdAt, mark, deployment, monthlyUsd: usdOf(thing), ...own }];
    });
  }

  /** What is on the bill of a region now: what costs, running or not. */
  bill(region: string): string[] {
    return this.#things(region).flatMap(({ name, thing: { kind } }) => (kind === 'key' ? [] : [`${kind} ${name}`]));
  }

  /** What the account may have, and what goes wrong with it. */
  become(account: Partial<Account>): void {
    replaceFile(path.join(this.#root, 'account.json'), JSON.stringify({ ...this.#account, ...account }));
  }

  /** Somebody else's hand. */
  put(
    region: string,
    name: string,
    what: { readonly kind: 'disk' } | { readonly kind: 'snapshot'; readonly mark?: Mark },
  ): void {
    const own = what.kind === 'disk' ? what : { kind: what.kind, labels: what.mark ? markLabels(what.mark) : {} };
    this.#make(region, name, { ...this.#base(), ...own });
  }

  remark(region: string, name: string, mark: Mark | undefined): void {
    const found = { ...this.#thing(region, name), labels: mark ? markLabels(mark) : {} };
    replaceFile(this.#file(region, name), JSON.stringify(found));
  }

  /** It is gone, and nobody was asked. */
  forget(region: string, name: string): void {
    removeFile(this.#file(region, name));
    const address = this.#things(region).find(({ thing }) => thing.kind === 'address' && thing.attachedTo === name);
    if (!address) return;
    const { attachedTo: _gone, ...rest } = address.thing as Extract<Thing, { kind: 'address' }>;
    replaceFile(this.#file(region, address.name), JSON.stringify(rest));
  }

  /** A machine made of a snapshot of another has the tags of that. */
  copy(region: string, name: string, to: string): void {
    const found = this.#thing(region, name);
    if (found) this.#make(region, to, { ...found, ...this.#base() });
  }

  /** It has run for a while. */
  settle(at: MachineAt): void {
    this.#update(at, { createdAt: Date.now() - 60_000 });
  }

  /** Somebody made another one of its snapshot, under its name. */
  resize(at: MachineAt, size: string): void {
    this.#update(at, { size });
  }

  stopByHand(at: MachineAt): void {
    this.#update(at, { power: 'off' });
  }

  startByHand(at: MachineAt): void {
    this.#update(at, { power: 'on', createdAt: Date.now() });
  }

  firewallOf(at: MachineAt): Firewall {
    return { rules: this.#demand(at).firewall };
  }

  #adopt(at: MachineAt, order: MachineOrder, found: Thing): 'adopted' {
    const name = nameAt(at);
    if (found.kind !== 'machine' || !carries(found.labels, at.mark)) throw foreign(name);
    if (found.size !== order.size || found.system !== order.system)
      throw new Refused(`machine ${name} exists as ${found.size} with ${found.system}`);
    if (found.endsAt !== undefined) throw new NotYet(`machine ${name} is being deleted`);
    if (found.power === 'off') this.#update(at, { power: 'on', address: anAddress(), createdAt: Date.now() });
    return 'adopted';
  }

  /** The zone that takes it. */
  #demandRoom(region: string, { size, zones }: MachineOrder): string {
    const { machines, largestMb, fullZones } = this.#account;
    const there = this.#things(region).filter(({ thing }) => thing.kind === 'machine').length;
    if (there >= machines) throw new Refused(`quota of ${machines} machines is used up`);
    if ((sizes.find(({ id }) => id === size)?.memoryMb ?? 0) > largestMb)
      throw new Refused(`plan size ${size} is not sold`);
    const zone = zones.find((each) => !fullZones.includes(each));
    if (zone === undefined) throw new Refused(`no zone of ${region} has room for a machine of size ${size} now`);
    return zone;
  }

  #view(at: MachineAt, found: MachineThing): Machine {
    const { machine, address: addressName } = machineNames(at.mark);
    const age = Date.now() - found.createdAt;
    const held = this.#thing(at.region, addressName);
    const own = held?.kind === 'address' && held.attachedTo === machine ? held.address : undefined;
    const isRunning = found.power === 'on' && age >= pendingMs && !this.#account.isHeld;
    const state =
      found.endsAt !== undefined ? 'ending' : isRunning ? 'running' : found.power === 'on' ? 'pending' : 'stopped';
    return {
      name: machine,
      id: found.id,
      zone: found.zone,
      state,
      address: isRunning && age >= addressMs ? (own ?? found.address) : undefined,
      isAddressStatic: own !== undefined,
      size: found.size,
      system: found.system,
      key: found.key,
      login: 'admin',
      isMetadataFenced: found.isFenced,
    };
  }

  #find(at: MachineAt): MachineThing | undefined {
    this.#demandOpen();
    const found = this.#thing(at.region, nameAt(at));
    if (found?.kind !== 'machine') return undefined;
    if (!carries(found.labels, at.mark)) throw foreign(nameAt(at));
    return found;
  }

  #demand(at: MachineAt): MachineThing {
    const found = this.#find(at);
    if (!found) throw new StartOver(`machine ${nameAt(at)} is gone`);
    return found;
  }

  #update(at: MachineAt, changed: Partial<MachineThing>): void {
    const file = this.#file(at.region, nameAt(at));
    replaceFile(file, JSON.stringify({ ...this.#demand(at), ...changed }));
  }

  #make(region: string, name: string, thing: Thing): boolean {
    this.#demandOpen();
    return createFile(this.#file(region, name), JSON.stringify(thing));
  }

  #things(region: string): { name: string; thing: Thing }[] {
    return this.#names(region).flatMap((name) => {
      const thing = this.#thing(region, name);
      return thing ? [{ name, thing }] : [];
    });
  }

  #thing(region: string, name: string): Thing | undefined {
    const found = readRecord(this.#file(region, name), thingShape);
    if (found?.kind !== 'machine' || found.endsAt === undefined || Date.now() < found.endsAt) return found;
    this.forget(region, name);
    return undefined;
  }

  #names(region: string): string[] {
    return listNames(path.join(this.#root, region)).map((file) => path.basename(file, '.json'));
  }

  #demandOpen(): void {
    const { isAway, isSetUp } = this.#account;
    if (isAway) throw new Away(`no seller of machines at ${this.#root}`);
    if (!isSetUp) throw new NotYet('the account is being set up');
  }

  /** What was done is answered, unless that is lost. */
  #answer(): void {
    const { lost } = this.#account;
    if (lost < 1) return;
    this.become({ lost: lost - 1 });
    throw new Error('the answer was lost');
  }

  get #account(): Account {
    return readRecord(path.join(this.#root, 'account.json'), accountShape) ?? accountShape.parse({});
  }

  #base(): { id: string; createdAt: number } {
    return { id: randomBytes(8).toString('hex'), createdAt: Date.now() };
  }

  #file(region: string, name: string): string {
    return path.join(this.#root, region, `${name}.json`);
  }
}

/** What it costs in a month. */
function usdOf(thing: Exclude<Thing, { kind: 'disk' }>): number | undefined {
  if (thing.kind === 'machine') return sizes.find(({ id }) => id === thing.size)?.monthlyUsd;
  if (thing.kind === 'address') return addressUsd(thing.attachedTo !== undefined);
  return thing.kind === 'snapshot' ? snapshotUsd(snapshotGb) : 0;
}

const snapshotGb = 20;

const firstFirewall = [22, 80].map((port) => ({ port, from: ['0.0.0.0/0'] }));

function nameAt({ mark }: MachineAt): string {
  return machineNames(mark).machine;
}

function foreign(name: string): Foreign {
  return new Foreign(`${name} exists without our mark`);
}

function anAddress(): string {
  const [third = 0, fourth = 0] = randomBytes(2);
  return `198.18.${third}.${fourth}`;
}
