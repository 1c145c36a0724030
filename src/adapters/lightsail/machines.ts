import type { Instance, Operation } from '@aws-sdk/client-lightsail';
import { NotYet, Refused, StartOver } from '../../domain/errors.js';
import { plain } from '../../domain/heard.js';
import {
  machineNames,
  type Machine,
  type MachineAt,
  type MachineOrder,
  type ReachableMachine,
} from '../../domain/hosts/machine.js';
import type { HostKey } from '../../domain/hosts/ssh-host.js';
import { machineUnseenMs } from '../../domain/thresholds.js';
import type { Lightsail } from './ask.js';
import { saysFull } from './errors.js';
import { whyTaken } from './holder.js';
import { machineOf } from './machine.js';
import { demandOurs, tagsOf } from './marks.js';

/** A zone without room is not tried again for so long. */
const fullMs = 600_000;

/** Lightsail's instances, each under the name of one life. */
export class Machines {
  readonly #lightsail: Lightsail;

  constructor(lightsail: Lightsail) {
    this.#lightsail = lightsail;
  }

  async find(at: MachineAt): Promise<Machine | undefined> {
    const found = await this.#look(at);
    if (!found) return undefined;
    demandOurs('machine', nameAt(at), found.tags, at.mark);
    return machineOf(found);
  }

  async ensure(at: MachineAt, order: MachineOrder): Promise<'created' | 'adopted'> {
    const before = await this.find(at);
    if (before) return this.#adopt(at, order, before);
    for (const zone of await this.#openZones(at, order.zones)) {
      const made = await this.#order(at, order, zone);
      if (made === 'made') return 'created';
      if (made === 'full') continue;
      const name = nameAt(at);
      if (made === 'missing')
        throw new StartOver(`machine ${name} cannot be made: fleet key ${order.key} is not in ${at.region} any more`);
      const holder = await this.find(at);
      if (holder) return this.#adopt(at, order, holder);
      throw await whyTaken(this.#lightsail, at.region, name, 'machine');
    }
    throw new Refused(
      `no zone of ${at.region} has room for a machine of size ${order.size} now (${order.zones.join(', ')}). Wait for some minutes, or choose another size or region; see docs/runbook.md#lightsail-quota`,
    );
  }

  #order(at: MachineAt, { size, system, key, launchScript }: MachineOrder, zone: string) {
    const name = nameAt(at);
    const request = { instanceNames: [name], availabilityZone: zone, bundleId: size, blueprintId: system };
    const rest = { keyPairName: key, userData: launchScript, tags: tagsOf(at.mark), ipAddressType: 'ipv4' as const };
    return this.#lightsail.make(at.region, 'CreateInstances', name, (client, sdk, options) =>
      client.send(new sdk.CreateInstancesCommand({ ...request, ...rest }), options),
    );
  }

  /** The zones that have not let an order of this machine come to nothing just now. */
  async #openZones(at: MachineAt, zones: readonly string[]): Promise<string[]> {
    const failed = (await this.#creations(at)).filter(
      (each) => isFailedForRoom(each) && Date.now() - askedAt(each) < fullMs,
    );
    return zones.filter((zone) => !failed.some(({ location }) => location?.availabilityZone === zone));
  }

  async probe(at: MachineAt): Promise<ReachableMachine> {
    const found = await this.find(at);
    const name = nameAt(at);
    if (!found) throw await this.#whyMissing(at);
    if (found.state === 'ending') throw new StartOver(`machine ${name} in ${at.region} is being deleted`);
    if (found.state !== 'running') throw new NotYet(`machine ${name} in ${at.region} is ${found.state}`);
    const { address, login } = found;
    if (address === undefined) throw new NotYet(`machine ${name} in ${at.region} runs and has no address yet`);
    if (login === undefined) throw new NotYet(`machine ${name} in ${at.region} names no user to log in as yet`);
    return { ...found, address, login };
  }

  /** Only the keys are taken of the answer: the rest of it opens the machine. */
  async readHostKeys(at: MachineAt): Promise<HostKey[]> {
    await this.#demand(at);
    const name = nameAt(at);
    const answer = await this.#lightsail.find(
      at.region,
      'GetInstanceAccessDetails',
      name,
      async (client, sdk, options) => {
        const command = new sdk.GetInstanceAccessDetailsCommand({ instanceName: name, protocol: 'ssh' });
        const { accessDetails } = await client.send(command, options);
        return accessDetails?.hostKeys ?? [];
      },
    );
    const keys = (answer ?? []).flatMap(({ algorithm, publicKey }) =>
      algorithm && publicKey ? [{ type: algorithm, base64: publicKey.split(' ').at(-1) ?? '' }] : [],
    );
    if (keys.length > 0) return keys;
    throw new NotYet(`machine ${name} in ${at.region} has shown no host key yet`);
  }

  async fenceMetadata(at: MachineAt): Promise<void> {
    if ((await this.#demand(at)).isMetadataFenced) return;
    const name = nameAt(at);
    await this.#lightsail.ask(at.region, 'UpdateInstanceMetadataOptions', name, (client, sdk, options) => {
      const fence = { httpTokens: 'required', httpEndpoint: 'enabled', httpPutResponseHopLimit: 1 } as const;
      return client.send(new sdk.UpdateInstanceMetadataOptionsCommand({ instanceName: name, ...fence }), options);
    });
    if (!(await this.#demand(at)).isMetadataFenced)
      throw new NotYet(`machine ${name} in ${at.region} does not keep containers from its metadata yet`);
  }

  /** Asks for its deletion, reading its mark right before; whether it is gone. */
  async remove(at: MachineAt): Promise<'gone' | 'going'> {
    const found = await this.find(at);
    if (!found) return 'gone';
    if (found.state === 'ending') return 'going';
    const instanceName = nameAt(at);
    await this.#lightsail.find(at.region, 'DeleteInstance', instanceName, (client, sdk, options) =>
      client.send(new sdk.DeleteInstanceCommand({ instanceName, forceDeleteAddOns: true }), options),
    );
    return (await this.find(at)) ? 'going' : 'gone';
  }

  /** All of a region, ours or not. */
  list(region: string): Promise<Instance[]> {
    return this.#lightsail.list(
      region,
      'GetInstances',
      (token, client, sdk, options) => client.send(new sdk.GetInstancesCommand(token), options),
      (page) => page.instances,
    );
  }

  async #adopt(at: MachineAt, order: MachineOrder, found: Machine): Promise<'adopted'> {
    const name = nameAt(at);
    if (found.size !== order.size || found.system !== order.system)
      throw new Refused(
        `machine ${name} in ${at.region} exists as ${found.size} with ${found.system}, and ${order.size} with ${order.system} is asked for. A machine keeps what it was made of: ask for that, or remove the gateway first`,
      );
    if (found.state === 'stopping' || found.state === 'ending')
      throw new NotYet(`machine ${name} in ${at.region} is ${found.state}`);
    if (found.state === 'stopped')
      await this.#lightsail.ask(at.region, 'StartInstance', name, (client, sdk, options) =>
        client.send(new sdk.StartInstanceCommand({ instanceName: name }), options),
      );
    return 'adopted';
  }

  async #demand(at: MachineAt): Promise<Machine> {
    const found = await this.find(at);
    if (!found) throw new StartOver(`machine ${nameAt(at)} in ${at.region} is gone`);
    return found;
  }

  async #look(at: MachineAt): Promise<Instance | undefined> {
    const instanceName = nameAt(at);
    const answer = await this.#lightsail.find(at.region, 'GetInstance', instanceName, (client, sdk, options) =>
      client.send(new sdk.GetInstanceCommand({ instanceName }), options),
    );
    return answer?.instance;
  }

  /** Lightsail takes an order first and may fail it later: then only the operation says why. */
  async #whyMissing(at: MachineAt): Promise<Error> {
    const name = nameAt(at);
    const [last] = await this.#creations(at);
    if (last && isFailedForRoom(last))
      return new StartOver(`lightsail has no room for machine ${name} in ${last.location?.availabilityZone}`);
    if (last?.status === 'Failed') {
      const why = plain(saidOf(last), 300);
      return new Refused(
        `lightsail could not make machine ${name} in ${at.region} (${why}). Choose another zone or size`,
      );
    }
    if (last && Date.now() - askedAt(last) < machineUnseenMs)
      return new NotYet(`machine ${name} in ${at.region} was asked for and cannot be seen yet`);
    return new StartOver(`machine ${name} in ${at.region} is gone`);
  }

  /** The orders of this machine, the newest first; none where something else was done with it since. */
  async #creations(at: MachineAt): Promise<Operation[]> {
    const name = nameAt(at);
    const answer = await this.#lightsail.find(at.region, 'GetOperationsForResource', name, (client, sdk, options) =>
      client.send(new sdk.GetOperationsForResourceCommand({ resourceName: name }), options),
    );
    const all = (answer?.operations ?? []).toSorted((one, other) => askedAt(other) - askedAt(one));
    const end = all.findIndex(({ operationType }) => operationType?.startsWith('CreateInstance') !== true);
    return end < 0 ? all : all.slice(0, end);
  }
}

function nameAt({ mark }: MachineAt): string {
  return machineNames(mark).machine;
}

function saidOf({ errorCode, errorDetails }: Operation): string {
  return `${errorCode ?? 'failed'}: ${errorDetails ?? ''}`;
}

function isFailedForRoom(operation: Operation): boolean {
  return operation.status === 'Failed' && saysFull(saidOf(operation));
}

function askedAt({ createdAt }: Operation): number {
  return createdAt?.getTime() ?? 0;
}
