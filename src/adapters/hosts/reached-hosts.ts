import type { Duplex } from 'node:stream';
import { Away, Refused } from '../../domain/errors.js';
import type { FormerIds } from '../../domain/hosts/engine-id.js';
import { isMachine, type Place } from '../../domain/hosts/place.js';
import { machineUnusedMs } from '../../domain/thresholds.js';
import type { DockerEngine, HostNetwork } from '../../ports/docker-engine.js';
import type { HostFacts, HostProvider } from '../../ports/host-provider.js';
import type { EngineAt } from '../docker/call.js';
import { DockerodeEngine } from '../docker/engine.js';
import { EngineIdentity } from '../docker/identity.js';

/** A machine with an engine: what it has, and the ways to its engine and its ports. */
export type Reached = {
  readonly name: string;
  readonly host: HostProvider;
  readonly engine: EngineAt;
  readonly dial: (port: number) => Promise<Duplex>;
  readonly close?: () => void;
};

type Known = Reached & { readonly identity: EngineIdentity };

/**
 * Every machine that a worker reaches: the one that it runs on, and those over SSH. A place is on the machine whose
 * engine it names; one that names no engine, on the machine whose name it has. What nobody knows is asked of the first
 * machine, whose answer says that it is another engine.
 */
export class ReachedHosts implements HostProvider {
  readonly #first: Known;
  readonly #all: readonly Known[];
  /** The engine of each machine, as it was last read. */
  readonly #engines = new Map<Known, string>();
  readonly #formerIds: FormerIds;
  /** Machines of gateways' own, by provider, region and name: found when they are first asked for. */
  readonly #machines = new Map<string, { readonly machine: Known; usedAt: number }>();
  readonly #reach: ((place: Place) => Reached) | undefined;
  readonly #know: (each: Reached) => Known;

  constructor(
    first: Reached,
    others: readonly Reached[],
    formerIds: FormerIds = () => [],
    reach?: (place: Place) => Reached,
  ) {
    const know = (each: Reached): Known => ({ ...each, identity: new EngineIdentity(each.engine, formerIds) });
    this.#know = know;
    this.#reach = reach;
    this.#first = know(first);
    this.#all = [this.#first, ...others.map(know)];
    this.#formerIds = formerIds;
  }

  async readHost(place: Place): Promise<HostFacts> {
    const machine = this.#of(place);
    const facts = await machine.host.readHost(place);
    this.#engines.set(machine, facts.engineId);
    return facts;
  }

  async findNearest(): Promise<string> {
    let away: unknown;
    for (const { name } of this.#all) {
      try {
        return (await this.readHost({ provider: 'local', host: name })).engineId;
      } catch (error) {
        if (!(error instanceof Away)) throw error;
        away ??= error;
      }
    }
    throw away;
  }

  async isPrepared(place: Place): Promise<boolean> {
    return this.#of(place).host.isPrepared(place);
  }

  async findLoopbackRule(place: Place, network: HostNetwork): Promise<'there' | 'missing' | undefined> {
    return this.#of(place).host.findLoopbackRule(place, network);
  }

  async putFence(place: Place, network: HostNetwork, script: string): Promise<boolean> {
    return this.#of(place).host.putFence(place, network, script);
  }

  async isPortTaken(place: Place, port: number): Promise<boolean> {
    return this.#of(place).host.isPortTaken(place, port);
  }

  /** The engine of a place. Before anything is read or done, another engine there is `Foreign`. */
  engineAt(place: Place): DockerEngine {
    const { engine, identity } = this.#of(place);
    return new DockerodeEngine({ ...engine, identity: identity.of(place) });
  }

  /** A connection to a port that is published on the loopback of a place's machine; `NotYet` where nothing listens. */
  dial(place: Place, port: number): Promise<Duplex> {
    return this.#of(place).dial(port);
  }

  close(): void {
    const machines = [...this.#machines.values()].map(({ machine }) => machine);
    for (const { close } of [...this.#all, ...machines]) close?.();
  }

  #machine(place: Place): Known {
    const { provider, region, host } = place;
    const key = `${provider} ${region} ${host}`;
    const now = Date.now();
    this.#forgetBefore(now - machineUnusedMs);
    const known = this.#machines.get(key);
    if (known) {
      known.usedAt = now;
      return known.machine;
    }
    if (!this.#reach)
      throw new Refused(`this worker reaches no machines at ${provider}; see docs/runbook.md#no-machines`);
    const machine = this.#know(this.#reach(place));
    this.#machines.set(key, { machine, usedAt: now });
    return machine;
  }

  /** A machine that nobody has asked for since is gone, or will be found again; its connection has closed by itself. */
  #forgetBefore(time: number): void {
    for (const [key, { machine, usedAt }] of this.#machines) {
      if (usedAt >= time) continue;
      machine.close?.();
      this.#machines.delete(key);
      this.#engines.delete(machine);
    }
  }

  #of(place: Place): Known {
    if (isMachine(place)) return this.#machine(place);
    const { host, engine } = place;
    const isMeant = (machine: Known): boolean => {
      if (engine === undefined) return machine.name === host;
      const id = this.#engines.get(machine);
      return id !== undefined && (id === engine || this.#formerIds(id).includes(engine));
    };
    return this.#all.find(isMeant) ?? this.#first;
  }
}
