import { setTimeout as after } from 'node:timers/promises';
import type { ContainerCreateOptions } from 'dockerode';
import type { z } from 'zod';
import { NotYet, Refused } from '../../domain/errors.js';
import { fenceTargets, type Knock, type Target } from '../../domain/hosts/fence-trial.js';
import { fenceTrialMs, knockMs, knockTries } from '../../domain/thresholds.js';
import type { TrialThing } from '../../domain/sweep/judge-trial.js';
import type { FenceTrial, FenceTried } from '../../ports/docker-engine.js';
import { asking } from './ask.js';
import type { EngineAt } from './call.js';
import { Containers } from './containers.js';
import { errandOptions } from './errand.js';
import { runExec } from './exec.js';
import { knockScript, knocksForm, listenScript, sightForm, trialNetworksForm, trialsForm } from './fence-script.js';
import { read } from './forms.js';
import { Networks } from './networks.js';

/** No mark, so that no gateway's record is asked of it. */
const trialLabel = 'creel.fence';

/** Where a gateway listens in its container. */
const gatewayPort = 18_789;

const lookAgainMs = 100;

/** How long an engine may take to make a container for somebody who does not wait for it any more. */
const lateMs = 2_000;

/** How long a container may take until it listens: longer than on a busy machine. */
const listensMs = 20_000;

/** More memory than Node takes for a knock. */
const memoryBytes = 256 * 1024 ** 2;

type Sight = z.infer<typeof sightForm>;

/**
 * Tries the fence of an engine's host with three containers: one on a gateway's network that knocks, one on another's
 * that listens, and one in the host's own network that listens and knocks as the control. The last one is made first:
 * its name, which exists once, lets only one trial of a deployment go on.
 */
export class FenceTrials {
  readonly #at: EngineAt;
  readonly #containers: Containers;
  readonly #networks: Networks;

  constructor(at: EngineAt) {
    this.#at = at;
    const ask = asking(at);
    this.#containers = new Containers(ask);
    this.#networks = new Networks(ask);
  }

  async tryFence(trial: FenceTrial): Promise<FenceTried> {
    await this.removeLeft(trial.deployment);
    const control = await this.#make(trial, 'host', { NetworkMode: 'host', UsernsMode: 'host' }, 0);
    try {
      return await this.#knockAround(trial, control);
    } finally {
      await this.#clear(trial.deployment);
    }
  }

  /** Takes away what is left of a trial whose time is over, and answers the names; one under way stays. */
  async removeLeft(deployment: string): Promise<readonly string[]> {
    const found = await this.#left(deployment);
    const control = found.containers.find(({ name }) => name === nameOf(deployment, 'host'));
    const isAboutTo = control?.state === 'created' && Date.now() - control.createdAt < 2 * fenceTrialMs;
    if (control?.state === 'running' || isAboutTo) return [];
    await this.#removeAll(deployment);
    return [...found.containers, ...found.networks].map(({ name }) => name);
  }

  /** What tries the fence under a deployment, or was left by a trial. */
  async list(deployment: string): Promise<readonly TrialThing[]> {
    const { containers, networks } = await this.#left(deployment);
    return [
      ...containers.map(({ id, name, createdAt }) => ({ kind: 'container' as const, id, name, createdAt })),
      ...networks.map((each) => ({ kind: 'network' as const, ...each })),
    ];
  }

  /** Whatever ends a trial, nothing of it stays: what a cancelled one had asked for last may come to be a moment later. */
  async #clear(deployment: string): Promise<void> {
    const shielded = new FenceTrials({ ...this.#at, signal: () => undefined });
    await shielded.#removeAll(deployment);
    if (!this.#at.signal()?.aborted) return;
    await after(lateMs);
    await shielded.#removeAll(deployment);
  }

  async #knockAround(trial: FenceTrial, control: string): Promise<FenceTried> {
    const subnets = trial.subnets[Symbol.iterator]();
    const others = await this.#listener(trial, 'other', subnets);
    const own = await this.#listener(trial, 'gateway', subnets);
    await this.#containers.startContainer(control);
    const sight = await this.#sight(control);
    const other = { address: (await this.#sight(others)).addresses.find(isOutside)?.address ?? '', port: gatewayPort };
    await this.#sight(own);
    const targets = fenceTargets(sight, other, trial.exceptions);
    const [gateway, host] = await Promise.all([this.#knock(own, targets), this.#knock(control, targets)]);
    const knocked = targets.map((target, index) => ({
      ...target,
      gateway: gateway[index] ?? 'silent',
      host: host[index] ?? 'silent',
    }));
    return { knocked, host: { boot: sight.boot, namespace: sight.namespace } };
  }

  /** A container on a network of its own, which runs. */
  async #listener(trial: FenceTrial, role: 'gateway' | 'other', subnets: Iterator<string>): Promise<string> {
    const network = nameOf(trial.deployment, role);
    await this.#network(trial, network, subnets);
    const id = await this.#make(trial, role, { NetworkMode: network }, gatewayPort);
    await this.#containers.startContainer(id);
    return id;
  }

  async #network({ deployment }: FenceTrial, name: string, subnets: Iterator<string>): Promise<void> {
    for (let next = subnets.next(); !next.done; next = subnets.next()) {
      const labels = { [trialLabel]: deployment };
      const answer = await this.#networks.createNetwork({ name, labels, subnet: next.value });
      if (answer === 'created') return;
      if (answer === 'name taken') throw underWay(name);
    }
    throw new Refused(`no subnet is free to try the fence with: remove gateways, or give the worker a larger pool`);
  }

  async #make(
    { deployment, imageId }: FenceTrial,
    role: Role,
    network: NonNullable<ContainerCreateOptions['HostConfig']>,
    port: number,
  ): Promise<string> {
    const name = nameOf(deployment, role);
    const command = ['node', '-e', listenScript, String(port)];
    const spec = { name, labels: { [trialLabel]: deployment }, imageId, command, mounts: [], limitMs: fenceTrialMs };
    const more = { Memory: memoryBytes, MemorySwap: memoryBytes, PidsLimit: 64, ...network };
    const made = await this.#containers.create(name, errandOptions(spec, more));
    if (made === 'name taken') throw underWay(name);
    return made.id;
  }

  /** What a container that was started says of its network, once it listens. */
  async #sight(id: string): Promise<Sight> {
    const end = Date.now() + listensMs;
    for (;;) {
      const [line] = (await this.#containers.lastLog(id, 5)).split('\n').filter((each) => each.startsWith('{'));
      if (line !== undefined) return sightForm.parse(JSON.parse(line));
      if (Date.now() > end) throw new NotYet(`a container that tries the fence does not listen: it said nothing`);
      await after(lookAgainMs);
    }
  }

  async #knock(id: string, targets: readonly Target[]): Promise<readonly Knock[]> {
    const input = JSON.stringify(targets);
    const timeoutMs = knockMs * knockTries + listensMs;
    const { stdout, stderr } = await runExec(this.#at, id, { command: ['node', '-e', knockScript], input, timeoutMs });
    if (stdout === '') throw new Error(`the fence could not be tried: ${stderr.slice(0, 300)}`);
    return knocksForm.parse(JSON.parse(stdout));
  }

  async #left(deployment: string) {
    const ask = asking(this.#at);
    const filters = { label: [`${trialLabel}=${deployment}`] };
    const what = 'list what tries the fence';
    const [containers, networks] = await Promise.all([
      ask(what, (docker) => docker.listContainers({ all: true, filters })),
      ask(what, (docker) => docker.listNetworks({ filters })),
    ]);
    return {
      containers: read(trialsForm, containers, what).map(({ Id, Names, State, Created }) => ({
        id: Id,
        name: Names[0]?.slice(1) ?? Id,
        state: State,
        createdAt: Created * 1000,
      })),
      networks: read(trialNetworksForm, networks, what).map(({ Id, Name, Created }) => ({
        id: Id,
        name: Name,
        createdAt: Date.parse(Created),
      })),
    };
  }

  /** The control goes last: while its name is taken, nobody else begins. */
  async #removeAll(deployment: string): Promise<void> {
    const { containers, networks } = await this.#left(deployment);
    const control = nameOf(deployment, 'host');
    for (const { id, name } of containers) if (name !== control) await this.#containers.removeContainer(id);
    for (const { id } of networks) await this.#networks.removeNetwork(id);
    for (const { id, name } of containers) if (name === control) await this.#containers.removeContainer(id);
  }
}

type Role = 'host' | 'gateway' | 'other';

function nameOf(deployment: string, role: Role): string {
  return `creel-fence-${deployment}-${role}`;
}

function isOutside({ address }: { readonly address: string }): boolean {
  return !address.startsWith('127.');
}

function underWay(name: string): NotYet {
  return new NotYet(`${name} is there: the fence is being tried`);
}
