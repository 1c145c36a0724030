import type { StaticIp } from '@aws-sdk/client-lightsail';
import { NotYet } from '../../domain/errors.js';
import { machineNames, type Machine, type MachineAt } from '../../domain/hosts/machine.js';
import type { Lightsail } from './ask.js';
import { whyTaken } from './holder.js';
import { foreign } from './marks.js';

/** Static addresses. They carry no mark: whose they are is in their names alone. */
export class Addresses {
  readonly #lightsail: Lightsail;

  constructor(lightsail: Lightsail) {
    this.#lightsail = lightsail;
  }

  /** Of a machine that runs. */
  async ensure(at: MachineAt, { state }: Machine): Promise<void> {
    const { machine, address: staticIpName } = machineNames(at.mark);
    if (state !== 'running')
      throw new NotYet(`machine ${machine} in ${at.region} is ${state}, and takes no address yet`);
    const found = (await this.#look(at)) ?? (await this.#allocate(at));
    if (found.attachedTo === machine) return;
    if (found.isAttached === true || found.attachedTo) throw foreign('address', staticIpName);
    await this.#lightsail.ask(at.region, 'AttachStaticIp', staticIpName, (client, sdk, options) =>
      client.send(new sdk.AttachStaticIpCommand({ staticIpName, instanceName: machine }), options),
    );
    if ((await this.#look(at))?.attachedTo !== machine)
      throw new NotYet(`machine ${machine} in ${at.region} does not have its address yet`);
  }

  async remove(at: MachineAt): Promise<'gone' | 'going'> {
    const { machine, address: staticIpName } = machineNames(at.mark);
    const found = await this.#look(at);
    if (!found) return 'gone';
    if (found.isAttached === true) {
      if (found.attachedTo !== machine) throw foreign('address', staticIpName);
      await this.#lightsail.find(at.region, 'DetachStaticIp', staticIpName, (client, sdk, options) =>
        client.send(new sdk.DetachStaticIpCommand({ staticIpName }), options),
      );
    }
    await this.#lightsail.find(at.region, 'ReleaseStaticIp', staticIpName, (client, sdk, options) =>
      client.send(new sdk.ReleaseStaticIpCommand({ staticIpName }), options),
    );
    return (await this.#look(at)) ? 'going' : 'gone';
  }

  /** All of a region, ours or not. */
  list(region: string): Promise<StaticIp[]> {
    return this.#lightsail.list(
      region,
      'GetStaticIps',
      (token, client, sdk, options) => client.send(new sdk.GetStaticIpsCommand(token), options),
      (page) => page.staticIps,
    );
  }

  async #allocate(at: MachineAt): Promise<StaticIp> {
    const { address: staticIpName } = machineNames(at.mark);
    const made = await this.#lightsail.make(at.region, 'AllocateStaticIp', staticIpName, (client, sdk, options) =>
      client.send(new sdk.AllocateStaticIpCommand({ staticIpName }), options),
    );
    const found = await this.#look(at);
    if (found) return found;
    if (made === 'name taken') throw await whyTaken(this.#lightsail, at.region, staticIpName, 'address');
    throw new NotYet(`address ${staticIpName} in ${at.region} was asked for and cannot be seen yet`);
  }

  async #look(at: MachineAt): Promise<StaticIp | undefined> {
    const { address: staticIpName } = machineNames(at.mark);
    const answer = await this.#lightsail.find(at.region, 'GetStaticIp', staticIpName, (client, sdk, options) =>
      client.send(new sdk.GetStaticIpCommand({ staticIpName }), options),
    );
    return answer?.staticIp;
  }
}
