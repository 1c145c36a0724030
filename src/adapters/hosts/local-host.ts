import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Refused } from '../../domain/errors.js';
import { loopbackRuleScript, readLoopbackRule } from '../../domain/hosts/fence.js';
import type { FormerIds } from '../../domain/hosts/engine-id.js';
import type { HostOffer } from '../../domain/hosts/offer.js';
import type { Place } from '../../domain/hosts/place.js';
import type { HostNetwork } from '../../ports/docker-engine.js';
import type { HostFacts, HostProvider } from '../../ports/host-provider.js';
import type { EngineAt } from '../docker/call.js';
import { thisDisk } from '../docker/disk.js';
import { thisKernel } from './kernel.js';
import { readHost } from './read-host.js';
import { isOwnNetwork, runShell } from './own-network.js';

/** An overlapping attempt's own look at the port takes it for a moment that ends long before this. */
const lookAgainMs = 50;

/** The machine that this process runs on, as its Docker engine sees it. */
export class LocalHost implements HostProvider {
  readonly #at: EngineAt;
  readonly #formerIds: FormerIds;
  readonly #offer: HostOffer;

  constructor(at: EngineAt, formerIds: FormerIds = () => [], offer: HostOffer = {}) {
    this.#at = at;
    this.#offer = offer;
    this.#formerIds = formerIds;
  }

  async readHost(place: Place): Promise<HostFacts> {
    const facts = await readHost(this.#at, place, this.#formerIds, async () => ({ ...thisKernel, ...thisDisk }));
    return { ...facts, offer: this.#offer };
  }

  async findNearest(): Promise<string> {
    return (await this.readHost({ provider: 'local', host: 'local' })).engineId;
  }

  /** Nothing launched it: whoever installed it prepared it. */
  async isPrepared(): Promise<boolean> {
    return true;
  }

  /** A worker in a network of its own, in a container for example, would read the rules of that. */
  async findLoopbackRule(_place: Place, network: HostNetwork): Promise<'there' | 'missing' | undefined> {
    if (!(await isOwnNetwork(network))) return undefined;
    return readLoopbackRule(await runShell(loopbackRuleScript));
  }

  async putFence(_place: Place, network: HostNetwork, script: string): Promise<boolean> {
    if (!(await isOwnNetwork(network))) return false;
    const said = (await runShell(`exec 2>&1\n${script}echo 'the fence is up'\n`)).trim();
    if (said.endsWith('the fence is up')) return true;
    throw new Refused(
      `the rules of the fence could not be put up here: ${said.slice(-300) || 'nothing was said'}. The worker has to be root for that, and iptables there; or let [fence] of hosts.toml not say put = true`,
    );
  }

  async isPortTaken(_place: Place, port: number): Promise<boolean> {
    if (await canListen(port)) return false;
    await sleep(lookAgainMs);
    return !(await canListen(port));
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
