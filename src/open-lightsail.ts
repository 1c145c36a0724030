import { LightsailMachines } from './adapters/lightsail/machine-provider.js';
import type { Reached } from './adapters/hosts/reached-hosts.js';
import { readPublicHalf } from './adapters/ssh/identity-file.js';
import { pullLogin } from './adapters/registries/pull-logins.js';
import { relayFor } from './adapters/registries/relay.js';
import { RemoteHost } from './adapters/ssh/remote-host.js';
import { Away, Bug, Refused, StartOver } from './domain/errors.js';
import type { FormerIds } from './domain/hosts/engine-id.js';
import { fleetKey, fleetKeyName } from './domain/hosts/fleet-key.js';
import { machineMark, type MachineAt } from './domain/hosts/machine.js';
import type { Place } from './domain/hosts/place.js';
import type { HostKey, SshHost } from './domain/hosts/ssh-host.js';
import { machineBootMs, machinePaceMs } from './domain/thresholds.js';
import type { LightsailSetting } from './settings/lightsail.js';
import type { Machines } from './world/world.js';

type Around = {
  readonly deployment: string;
  readonly signal: () => AbortSignal | undefined;
  readonly formerIds?: FormerIds;
};

const sshPort = 22;
const socketPath = '/var/run/docker.sock';

/** Host keys as a provider names them, the best first. */
const keyTypes = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa'];

/** Machines that are bought at Lightsail, and the ways to them. */
export class Lightsail {
  readonly machines: Machines;
  readonly #setting: LightsailSetting;
  readonly #around: Around;
  readonly #provider: LightsailMachines;

  constructor(setting: LightsailSetting, around: Around) {
    this.#setting = setting;
    this.#around = around;
    this.#provider = new LightsailMachines(around.signal, setting.endpoint);
    this.machines = {
      provider: this.#provider,
      fleetKey: () => this.#keys()[0].key,
      fleetKeys: () => this.#keys().map(({ key }) => key),
      workers: setting.workers,
      ceiling: setting.ceiling,
      bootMs: machineBootMs,
      paceMs: machinePaceMs,
    };
  }

  /** The way to a machine. Where it is, and which host keys it has, is asked of the provider before each connection. */
  reach(place: Place): Reached {
    const unknown = { address: 'no address yet', user: 'nobody', hostKey: { type: '', base64: '' }, identityFile: '' };
    const settings: SshHost = { name: place.host, port: sshPort, socketPath, ...unknown };
    const { formerIds, signal } = this.#around;
    const locate = async () => this.#locate(place);
    const host = new RemoteHost(settings, { signal, locate, ...(formerIds && { formerIds }) });
    return {
      name: place.host,
      host,
      engine: { ...host.engine, login: pullLogin, ...relayFor(this.#setting.pull, host) },
      dial: (port) => host.dial(port),
      close: () => host.close(),
    };
  }

  close(): void {
    this.#provider.close();
  }

  async #locate({ host, region }: Place): Promise<SshHost> {
    if (region === undefined) throw new Bug(`the place of machine ${host} names no region`);
    const at: MachineAt = { mark: machineMark(host, this.#around.deployment), region };
    const { address, login, key } = await this.#provider.probeMachine(at).catch((error: unknown) => {
      throw error instanceof StartOver ? new Away(error.message, { cause: error }) : error;
    });
    const hostKey = bestOf(await this.#provider.readHostKeys(at));
    const identityFile = this.#identityFor(host, key);
    return { name: host, user: login, address, port: sshPort, socketPath, hostKey, identityFile };
  }

  /** The key that a machine was made with, which may be the one in the other slot. */
  #identityFor(machine: string, name: string | undefined): string {
    const keys = this.#keys();
    const found = keys.find(({ key }) => fleetKeyName(this.#around.deployment, key) === name);
    if (found) return found.identityFile;
    throw new Refused(
      `machine ${machine} opens to fleet key ${name ?? 'of no name'}, and lightsail.toml names none of that name. Name its file in a [[fleet_key]] there; see docs/runbook.md#host-does-not-let-us-in`,
    );
  }

  #keys() {
    const [first, ...rest] = this.#setting.keys.map(({ slot, identityFile }) => ({
      identityFile,
      key: fleetKey(slot, readPublicHalf(identityFile)),
    }));
    if (first) return [first, ...rest] as const;
    throw new Bug('there is no fleet key');
  }
}

function bestOf(keys: readonly HostKey[]): HostKey {
  const [best] = keys
    .filter(({ type }) => keyTypes.includes(type))
    .toSorted((one, other) => keyTypes.indexOf(one.type) - keyTypes.indexOf(other.type));
  if (best) return best;
  throw new Refused(`the machine shows no host key that creel knows: ${keys.map(({ type }) => type).join(', ')}`);
}
