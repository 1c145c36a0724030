import type Docker from 'dockerode';
import { statusOf, unless } from './engine-answer.js';

/** Subnets for machines: private, as a tenant's fence wants them, and none of those that gateways are given. */
const subnets = Array.from({ length: 256 }, (_, third) => `10.218.${third}.0/24`);

/** On whatever a stand-in has made on the engine: whose it is. */
export const standInLabel = 'creel.stand-in';

/**
 * The network of one stand-in's machines, on which each has an address of its own for as long as it exists. On the
 * engine's own bridge a machine without power would lose it to the next container.
 */
export class Segment {
  readonly #docker: Docker;
  readonly #owner: string;
  readonly name: string;

  constructor(docker: Docker, owner: string) {
    this.#docker = docker;
    this.#owner = owner;
    this.name = `creel-machines-${owner}`;
  }

  /** An address that no machine of the stand-in has, running or not. */
  async freeAddress(): Promise<string> {
    const subnet = (await this.#subnet()) ?? (await this.#create());
    const taken = new Set((await this.machines()).map(({ NetworkSettings }) => this.#configured(NetworkSettings)));
    // The first is the engine's own.
    const hosts = Array.from({ length: 253 }, (_, last) => subnet.replace(/\d+\/\d+$/, String(last + 2)));
    const free = hosts.find((address) => !taken.has(address));
    if (free === undefined) throw new Error(`${subnet} holds no further machine`);
    return free;
  }

  machines(): Promise<Docker.ContainerInfo[]> {
    const filters = { label: [`${standInLabel}=${this.#owner}`] };
    return this.#docker.listContainers({ all: true, filters });
  }

  /** Takes the network away once it has no machine. */
  async leave(): Promise<void> {
    if ((await this.machines()).length > 0) return;
    await unless(404, this.#docker.getNetwork(this.name).remove());
  }

  #configured({ Networks }: Docker.ContainerInfo['NetworkSettings']): string | undefined {
    return Networks[this.name]?.IPAMConfig?.IPv4Address;
  }

  async #subnet(): Promise<string | undefined> {
    const found = await unless(404, this.#docker.getNetwork(this.name).inspect());
    return found?.IPAM?.Config?.[0]?.Subnet;
  }

  /** Others make networks meanwhile: which subnet is free is known when it is taken. */
  async #create(): Promise<string> {
    for (const subnet of subnets) {
      const IPAM = { Config: [{ Subnet: subnet }] };
      const Labels = { [standInLabel]: this.#owner };
      try {
        await this.#docker.createNetwork({ Name: this.name, CheckDuplicate: true, Driver: 'bridge', IPAM, Labels });
        return subnet;
      } catch (error) {
        if (!isOverlap(error)) throw error;
      }
    }
    throw new Error('no subnet of 10.218.0.0/16 is free for machines of the stand-in');
  }
}

/** Engines say 403 and 400 of it, in words of their own. */
function isOverlap(error: unknown): boolean {
  return [400, 403].includes(statusOf(error) ?? 0) && error instanceof Error && /overlap/i.test(error.message);
}
