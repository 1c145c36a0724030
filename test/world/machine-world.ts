import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { Away } from '../../src/domain/errors.js';
import type { FormerIds } from '../../src/domain/hosts/engine-id.js';
import { isMachine, type Place } from '../../src/domain/hosts/place.js';
import type { GatewayDoor } from '../../src/ports/gateway-door.js';
import type { HostNetwork } from '../../src/ports/docker-engine.js';
import type { HostFacts, HostProvider } from '../../src/ports/host-provider.js';
import type { Machines } from '../../src/world/world.js';
import { DirectoryDoor } from './directory-door.js';
import { readRecord } from './directory-files.js';
import { DirectoryHost } from './directory-host.js';
import { DirectoryMachines } from './directory-machines.js';
import { momentous } from './moments.js';

const standing = z.object({ id: z.string(), power: z.string(), endsAt: z.number().optional() });

/** The account with the seller of machines in a world. */
export function accountOf(root: string): DirectoryMachines {
  return new DirectoryMachines(path.join(root, 'machines'));
}

const fleetKey = { slot: 'a', publicKey: `ssh-ed25519 AAAA${'k'.repeat(60)}` } as const;

/** How a worker of a world buys machines. */
export function machinesIn(root: string): Machines {
  return {
    provider: momentous(accountOf(root)),
    fleetKey: () => fleetKey,
    fleetKeys: () => [fleetKey],
    workers: ['198.51.100.7/32'],
    ceiling: ceilingIn(root),
    bootMs: 3_000,
    paceMs: 20,
  };
}

/** What `spend.json` of a world says. */
function ceilingIn(root: string): Machines['ceiling'] {
  return readRecord(path.join(root, 'spend.json'), spendShape);
}

const spendShape = z.object({ machines: z.number().exactOptional(), monthlyUsd: z.number().exactOptional() });

/** Where what a place holds lies: a machine has a directory of its own, and another one of the same name another one. */
export function rootOf(root: string, place: Place): string {
  if (!isMachine(place)) return root;
  const found = readRecord(path.join(root, 'machines', place.region ?? '', `${place.host}.json`), standing);
  if (!found || found.power !== 'on' || found.endsAt !== undefined) return silent(root);
  return path.join(root, 'engines', found.id);
}

/** What answers nobody. */
function silent(root: string): string {
  const none = path.join(root, 'engines', 'none');
  fs.mkdirSync(none, { recursive: true });
  fs.writeFileSync(path.join(none, 'down'), '');
  return none;
}

/** The host of a world, and the machines that were bought for it. */
export class DirectoryHosts implements HostProvider {
  readonly #root: string;
  readonly #formerIds: FormerIds;
  readonly #here: DirectoryHost;

  constructor(root: string, formerIds: FormerIds) {
    this.#root = root;
    this.#formerIds = formerIds;
    this.#here = new DirectoryHost(root, formerIds);
  }

  async readHost(place: Place): Promise<HostFacts> {
    return this.#at(place).readHost(place);
  }

  async findNearest(): Promise<string> {
    return this.#here.findNearest();
  }

  /** A machine whose directory says `unprepared` never is. */
  async isPrepared(place: Place): Promise<boolean> {
    const root = rootOf(this.#root, place);
    if (fs.existsSync(path.join(root, 'down'))) throw new Away(`nobody answers at ${place.host}`);
    return !fs.existsSync(path.join(this.#root, 'unprepared'));
  }

  async findLoopbackRule(place: Place): Promise<'there' | 'missing' | undefined> {
    return this.#at(place).findLoopbackRule();
  }

  async putFence(place: Place, network: HostNetwork, script: string): Promise<boolean> {
    return this.#at(place).putFence(place, network, script);
  }

  async isPortTaken(place: Place, port: number): Promise<boolean> {
    return this.#at(place).isPortTaken(place, port);
  }

  #at(place: Place): DirectoryHost {
    return isMachine(place) ? new DirectoryHost(rootOf(this.#root, place), this.#formerIds) : this.#here;
  }
}

/** The gateways of a world, and those on machines that were bought for it. */
export function doorsOf(root: string): GatewayDoor {
  const here = new DirectoryDoor(root);
  return new Proxy<GatewayDoor>(here, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: readonly unknown[]): unknown => {
        const { place } = Object(args[0]) as { readonly place?: Place };
        const door = place && isMachine(place) ? new DirectoryDoor(rootOf(root, place)) : target;
        return Reflect.apply(member, door, args);
      };
    },
  });
}
