import { networkInterfaces } from 'node:os';
import type { DockerEngine } from '../../ports/docker-engine.js';
import type { ModelProvider } from './model-provider.js';

/** Where containers may find this machine: Docker's own bridge first, because nobody else does there. */
export async function addresses(engine: DockerEngine): Promise<string[]> {
  const [bridge] = await engine.findNetworks('bridge').catch(() => []);
  const subnet = bridge?.subnets[0];
  const gateway = subnet?.replace(/\d+\/\d+$/, (last) => String(Number.parseInt(last, 10) + 1));
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const outside = own.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
  return [...(gateway === undefined ? [] : [gateway]), ...outside];
}

/** The first address and port that can be had, the wanted port before any other. */
export async function listen(provider: ModelProvider, port: number, at: readonly string[]) {
  for (const address of at)
    for (const wanted of new Set([port, 0])) {
      const opened = await provider.open(wanted, address).catch(() => undefined);
      if (opened !== undefined) return { address, port: opened };
    }
  return undefined;
}
