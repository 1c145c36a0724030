import { NotYet } from '../../domain/errors.js';
import type { Labels } from '../../domain/gateway/gateway.js';
import type { Network } from '../../ports/docker-engine.js';
import { gone, type Ask } from './ask.js';
import { networksForm, read } from './forms.js';

/** The networks of an engine. */
export class Networks {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  async createNetwork(network: { name: string; labels: Labels; subnet: string }) {
    const { name, labels, subnet } = network;
    const ipam = { Driver: 'default', Config: [{ Subnet: subnet }] };
    const options = { Name: name, CheckDuplicate: true, Driver: 'bridge', IPAM: ipam, Labels: { ...labels } };
    return this.#ask(
      `create network ${name}`,
      (docker) => docker.createNetwork(options).then(() => 'created' as const),
      ({ status, text }) => {
        if (/overlap/i.test(text)) return 'subnet taken' as const;
        return status === 409 ? ('name taken' as const) : undefined;
      },
    );
  }

  async findNetworks(name: string): Promise<Network[]> {
    const found = await this.#ask(`look for network ${name}`, (docker) =>
      docker.listNetworks({ filters: { name: [name] } }),
    );
    return read(networksForm, found, `look for network ${name}`)
      .filter((each) => each.Name === name)
      .map(({ Id, Labels, IPAM }) => ({ id: Id, name, labels: Labels, subnets: IPAM }));
  }

  async removeNetwork(id: string): Promise<void> {
    const user = await this.#userOfNetwork(id);
    if (user !== undefined) throw new NotYet(`network ${id} still has container ${user} attached`);
    await this.#ask(
      `remove network ${id}`,
      (docker) => docker.getNetwork(id).remove(),
      ({ status, text }) => {
        if (/active endpoints/i.test(text)) throw new NotYet(`network ${id} is in use: ${text}`);
        return status === 404 ? gone : undefined;
      },
    );
  }

  /**
   * A container that will join the network when it starts counts as attached, though the engine itself does not see it.
   */
  async #userOfNetwork(id: string): Promise<string | undefined> {
    const network = await this.#ask(
      `look for network ${id}`,
      (docker) => docker.getNetwork(id).inspect(),
      ({ status }) => (status === 404 ? gone : undefined),
    );
    if (network === gone) return undefined;
    const name: string = network.Name;
    const users = await this.#ask(`list containers of network ${name}`, (docker) =>
      docker.listContainers({ all: true, filters: { network: [name] } }),
    );
    const user = users.find(({ NetworkSettings: { Networks } }) => {
      const attached = Networks[name]?.NetworkID;
      return attached === '' || attached === id;
    });
    return user?.Names[0]?.slice(1);
  }
}
