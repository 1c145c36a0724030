import { describe, expect, test } from 'vitest';
import { Foreign, NotYet, Refused, StartOver } from '../../../src/domain/errors.js';
import type { Mark } from '../../../src/domain/gateway/gateway.js';
import { firewallFor, type Firewall } from '../../../src/domain/hosts/firewall.js';
import { fleetKey, fleetKeyName } from '../../../src/domain/hosts/fleet-key.js';
import { launchScript } from '../../../src/domain/hosts/launch-script.js';
import {
  chooseSize,
  chooseSystem,
  machineNames,
  type MachineAt,
  type MachineOrder,
} from '../../../src/domain/hosts/machine.js';
import type { MachineProvider } from '../../../src/ports/machine-provider.js';
import { patienceMs } from '../../ground/patience.js';

export const region = 'eu-central-1';
export const deployment = 'abcdefghij';
export const mark: Mark = { deployment, gateway: 'g42', birth: '7k3fq2', layout: 1 };
export const at: MachineAt = { mark, region };
const name = machineNames(mark).machine;
export const key = fleetKey('a', `ssh-ed25519 ${'AAAAC3NzaC1lZDI1NTE5AAAAI'.padEnd(68, 'x')} fleet@example`);
const nextKey = fleetKey('b', `ssh-ed25519 ${'AAAAC3NzaC1lZDI1NTE5AAAAI'.padEnd(68, 'y')}`);
const need = { memoryMb: 2_048, cpus: 1, diskGb: 20 };

/** A seller of machines and the hands that others have on it. */
export type Seller = {
  /** Somebody who asks it: each a client of its own. */
  readonly ask: () => MachineProvider;
  /** What the next answers are that say something was made or changed: lost, after it was done. */
  readonly loseAnswers: (times: number) => Promise<void>;
  readonly allow: (account: {
    machines?: number;
    addresses?: number;
    largestMb?: number;
    isSetUp?: boolean;
    fullZones?: string[];
  }) => Promise<void>;
  /** What is begun from now on takes for ever, until it is let go. */
  readonly holdUp: () => Promise<void>;
  readonly letGo: () => Promise<void>;
  /** Takes a name for a thing of another kind. */
  readonly occupy: (name: string) => Promise<void>;
  readonly stopByHand: (at: MachineAt) => Promise<void>;
  /** Gives the machine another mark, or none. */
  readonly remark: (name: string, mark: Mark | undefined) => Promise<void>;
  readonly snapshot: (name: string, mark: Mark | undefined) => Promise<void>;
  readonly firewallOf: (at: MachineAt) => Promise<Firewall>;
  /** The names of what costs money now. */
  readonly costing: () => Promise<readonly string[]>;
};

/** Asks until there is an answer: what creel does between `NotYet`, an unknown outcome and the next attempt. */
export async function persist<T>(act: () => Promise<T>): Promise<T> {
  const end = Date.now() + patienceMs;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      const isOver = error instanceof Refused || error instanceof Foreign || error instanceof StartOver;
      if (isOver || Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** What a provision asks for, by what the seller has. */
export async function orderOf(provider: MachineProvider): Promise<MachineOrder> {
  const size = chooseSize(await provider.listSizes(region), need, region);
  const system = chooseSystem(await provider.listSystems(region), region);
  const { zones = [] } = (await provider.listRegions()).find((each) => each.name === region) ?? {};
  const fleet = await persist(() => provider.ensureFleetKey(region, deployment, key));
  return {
    zones,
    size: size.id,
    system: system.id,
    key: fleet,
    launchScript: launchScript({ machine: name, fence: { pool: '10.213.0.0/16', exceptions: [] } }),
  };
}

/** What `MachineProvider` promises, held against any implementation; each test ends with nothing that costs. */
export function machineContract(title: string, open: () => Seller): void {
  describe(title, () => {
    const leaveNothing = async (seller: Seller, ...but: string[]) => {
      await persist(() => seller.ask().removeMachine(at));
      expect(await seller.costing()).toEqual(but);
    };
    const running = async (seller: Seller) => {
      await persist(async () => seller.ask().ensureMachine(at, await orderOf(seller.ask())));
      return persist(() => seller.ask().probeMachine(at));
    };

    test('sizes carry a gateway, have a price and come cheapest first; regions have zones', async () => {
      const seller = open();
      const sizes = await seller.ask().listSizes(region);
      expect(sizes[0]).toMatchObject({ memoryMb: 2_048, monthlyUsd: 12 });
      for (const { memoryMb, monthlyUsd } of sizes) {
        expect(memoryMb).toBeGreaterThanOrEqual(2_048);
        expect(monthlyUsd).toBeGreaterThanOrEqual(12);
      }
      expect(chooseSystem(await seller.ask().listSystems(region), region).id).toBe('debian_12');
      const zones = (await seller.ask().listRegions()).find((each) => each.name === region)?.zones;
      expect(zones?.[0]).toBe('eu-central-1a');
      expect(await seller.costing()).toEqual([]);
    });

    test('a machine is made once, adopted by whoever asks again, and reached once it runs and has an address', async () => {
      const seller = open();
      const order = await orderOf(seller.ask());
      await seller.holdUp();
      expect(await seller.ask().ensureMachine(at, order)).toBe('created');
      await expect(seller.ask().probeMachine(at)).rejects.toThrow(NotYet);
      expect(await seller.ask().findMachine(at)).toMatchObject({ state: 'pending', address: undefined });
      await seller.letGo();
      const found = await persist(() => seller.ask().probeMachine(at));
      expect(found).toMatchObject({ name, state: 'running', login: 'admin', key: order.key, size: order.size });
      expect(found.address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      expect(await seller.ask().ensureMachine(at, order)).toBe('adopted');
      expect(await seller.ask().findMachine(at)).toEqual(found);
      expect(await seller.costing()).toEqual([name]);
      await leaveNothing(seller);
      expect(await seller.ask().findMachine(at)).toBeUndefined();
    });

    test('two that ask at once make one', async () => {
      const seller = open();
      const order = await orderOf(seller.ask());
      const asked = [1, 2, 3].map(() => seller.ask().ensureMachine(at, order));
      expect((await Promise.all(asked)).toSorted()).toEqual(['adopted', 'adopted', 'created']);
      expect(await seller.costing()).toEqual([name]);
      await leaveNothing(seller);
    });

    test.each([1, 6])('an answer that is lost %d times makes no second machine, address or key', async (times) => {
      const seller = open();
      const order = await orderOf(seller.ask());
      await seller.loseAnswers(times);
      await persist(() => seller.ask().ensureMachine(at, order));
      await persist(() => seller.ask().probeMachine(at));
      await seller.loseAnswers(times);
      await persist(() => seller.ask().ensureAddress(at));
      await seller.loseAnswers(times);
      await persist(() => seller.ask().ensureFleetKey(region, deployment, nextKey));
      expect(await seller.ask().listFleetKeys(region, deployment)).toEqual([
        order.key,
        fleetKeyName(deployment, nextKey),
      ]);
      expect(await seller.costing()).toEqual([name]);
      const held = (await seller.ask().listHeld(region)).map(({ kind }) => kind);
      expect(held.toSorted()).toEqual(['address', 'key', 'key', 'machine']);
      await seller.loseAnswers(times);
      await leaveNothing(seller);
    });

    test('a name that another kind of thing bears is foreign, and so is a machine with another mark, or none', async () => {
      const seller = open();
      const order = await orderOf(seller.ask());
      const other = { mark: { ...mark, gateway: 'g43' }, region };
      await seller.occupy(machineNames(other.mark).machine);
      await expect(seller.ask().ensureMachine(other, order)).rejects.toThrow(Foreign);
      await running(seller);
      for (const theirs of [undefined, { ...mark, deployment: 'zzzzzzzzzz' }]) {
        await seller.remark(name, theirs);
        await expect(seller.ask().ensureMachine(at, order)).rejects.toThrow(Foreign);
        await expect(seller.ask().findMachine(at)).rejects.toThrow(Foreign);
        await expect(seller.ask().removeMachine(at)).rejects.toThrow(Foreign);
        expect(await seller.costing()).toEqual([name]);
        await seller.remark(name, mark);
      }
      await leaveNothing(seller);
    });

    test('a used-up quota, a size that is not sold and another size than there is are refused, and nothing costs', async () => {
      const seller = open();
      const order = await orderOf(seller.ask());
      await seller.allow({ machines: 0 });
      await expect(seller.ask().ensureMachine(at, order)).rejects.toThrow(Refused);
      await expect(seller.ask().ensureMachine(at, order)).rejects.toThrow(/quota/);
      await seller.allow({ machines: 1, largestMb: 1_024 });
      await expect(seller.ask().ensureMachine(at, order)).rejects.toThrow(Refused);
      expect(await seller.costing()).toEqual([]);
      await seller.allow({ largestMb: 4_096 });
      expect(await seller.ask().ensureMachine(at, order)).toBe('created');
      const larger = (await seller.ask().listSizes(region))[1]?.id ?? '';
      await expect(persist(() => seller.ask().ensureMachine(at, { ...order, size: larger }))).rejects.toThrow(Refused);
      await persist(() => seller.ask().probeMachine(at));
      await seller.allow({ addresses: 0 });
      await expect(seller.ask().ensureAddress(at)).rejects.toThrow(Refused);
      await leaveNothing(seller);
    });

    test('a zone without room is passed by for the next; where none has room that is refused, and nothing costs (K-1)', async () => {
      const seller = open();
      const order = await orderOf(seller.ask());
      const [first = '', ...others] = order.zones;
      await seller.allow({ fullZones: [...order.zones] });
      await expect(persist(() => seller.ask().ensureMachine(at, order))).rejects.toMatchObject({
        name: 'Refused',
        message: expect.stringContaining(`no zone of ${region} has room for a machine of size ${order.size}`),
      });
      expect(await seller.costing()).toEqual([]);
      await seller.allow({ fullZones: [first] });
      expect(await persist(() => seller.ask().ensureMachine(at, order))).toBe('created');
      expect(others).toContain((await seller.ask().findMachine(at))?.zone);
      await seller.allow({ fullZones: [] });
      await persist(() => seller.ask().probeMachine(at));
      await leaveNothing(seller);
    });

    test('an account that is being set up is waited for', async () => {
      const seller = open();
      const order = await orderOf(seller.ask());
      await seller.allow({ isSetUp: false });
      await expect(seller.ask().ensureMachine(at, order)).rejects.toThrow(NotYet);
      await expect(seller.ask().ensureFleetKey(region, deployment, key)).rejects.toThrow(NotYet);
      await seller.allow({ isSetUp: true });
      await running(seller);
      await leaveNothing(seller);
    });

    test('a machine that somebody stopped is started again, and is the same one', async () => {
      const seller = open();
      const before = await running(seller);
      await seller.stopByHand(at);
      await expect(seller.ask().probeMachine(at)).rejects.toThrow(NotYet);
      expect(await seller.costing()).toEqual([name]);
      expect((await running(seller)).id).toBe(before.id);
      await leaveNothing(seller);
    });

    test('an address of its own stays through a stop, and goes with the machine', async () => {
      const seller = open();
      await running(seller);
      await persist(() => seller.ask().ensureAddress(at));
      await persist(() => seller.ask().ensureAddress(at));
      const { address, isAddressStatic } = await persist(() => seller.ask().probeMachine(at));
      expect(isAddressStatic).toBe(true);
      await seller.stopByHand(at);
      await expect(seller.ask().ensureAddress(at)).rejects.toThrow(NotYet);
      expect((await running(seller)).address).toBe(address);
      expect(await seller.costing()).toEqual([name]);
      await leaveNothing(seller);
      expect((await seller.ask().listHeld(region)).map(({ kind }) => kind)).toEqual(['key']);
    });

    test('the firewall is what was declared, and nothing that was open before', async () => {
      const seller = open();
      await running(seller);
      const closed = firewallFor({ workers: ['198.51.100.7/32'], ingress: 'none' });
      await persist(() => seller.ask().ensureFirewall(at, closed));
      expect(await seller.firewallOf(at)).toEqual({ rules: [{ port: 22, from: ['198.51.100.7/32'] }] });
      const open80 = firewallFor({ workers: ['198.51.100.7/32'], ingress: 'public' });
      await persist(() => seller.ask().ensureFirewall(at, open80));
      const ports = (await seller.firewallOf(at)).rules.map(({ port }) => String(port));
      expect(ports.toSorted()).toEqual(['22', '443', '80']);
      await persist(() => seller.ask().ensureFirewall(at, closed));
      expect((await seller.firewallOf(at)).rules).toHaveLength(1);
      await leaveNothing(seller);
    });

    test('containers are kept from the metadata, and host keys are told once there are some', async () => {
      const seller = open();
      expect((await running(seller)).isMetadataFenced).toBe(false);
      await persist(() => seller.ask().ensureMetadataFence(at));
      expect(await seller.ask().findMachine(at)).toMatchObject({ isMetadataFenced: true });
      const keys = await persist(() => seller.ask().readHostKeys(at));
      expect(keys).toEqual([{ type: 'ssh-ed25519', base64: expect.stringMatching(/^[A-Za-z0-9+/=]+$/) }]);
      expect(await persist(() => seller.ask().readHostKeys(at))).toEqual(keys);
      await leaveNothing(seller);
    });

    test('two keys at most: a slot that holds another one is refused until that is taken out', async () => {
      const seller = open();
      const first = await persist(() => seller.ask().ensureFleetKey(region, deployment, key));
      expect(await seller.ask().ensureFleetKey(region, deployment, key)).toBe(first);
      await persist(() => seller.ask().ensureFleetKey(region, deployment, nextKey));
      const third = { ...nextKey, slot: 'a' } as const;
      await expect(seller.ask().ensureFleetKey(region, deployment, third)).rejects.toThrow(Refused);
      await persist(() => seller.ask().removeFleetKey(region, deployment, first));
      await persist(() => seller.ask().removeFleetKey(region, deployment, first));
      await persist(() => seller.ask().ensureFleetKey(region, deployment, third));
      expect(await seller.ask().listFleetKeys(region, deployment)).toHaveLength(2);
      expect(await seller.ask().listFleetKeys(region, 'zzzzzzzzzz')).toEqual([]);
      await expect(seller.ask().removeFleetKey(region, 'zzzzzzzzzz', first)).rejects.toThrow('no fleet key of');
    });

    test('a removal takes snapshots with the machine’s mark along, no others, and is done when it is asked again', async () => {
      const seller = open();
      await running(seller);
      await seller.snapshot(`${name}-snap-1`, mark);
      await seller.snapshot('somebodys', undefined);
      await seller.snapshot('of-another-life', { ...mark, birth: 'aaaaaa' });
      await persist(() => seller.ask().removeMachine(at));
      await seller.ask().removeMachine(at);
      const held = await seller.ask().listHeld(region);
      expect(held.map((each) => each.name).toSorted()).toEqual(
        [fleetKeyName(deployment, key), 'of-another-life', 'somebodys'].toSorted(),
      );
    });

    test('what a region holds is told with whose it is, page after page', async () => {
      const seller = open();
      await running(seller);
      await persist(() => seller.ask().ensureAddress(at));
      for (let index = 0; index < 9; index += 1) await seller.snapshot(`somebodys-${index}`, undefined);
      const held = await seller.ask().listHeld(region);
      expect(held).toHaveLength(12);
      const whose = (kind: string) =>
        held.filter((each) => each.kind === kind).map(({ mark, deployment }) => ({ mark, deployment }));
      expect(whose('machine')).toEqual([{ mark, deployment }]);
      expect(whose('address')).toEqual([{ mark, deployment }]);
      expect(whose('key')).toEqual([{ mark: undefined, deployment }]);
      expect(whose('snapshot')).toEqual(Array.from({ length: 9 }, () => ({ mark: undefined, deployment: undefined })));
      const { monthlyUsd } = chooseSize(await seller.ask().listSizes(region), need, region);
      const costs = (kind: string) => [
        ...new Set(held.flatMap((each) => (each.kind === kind ? [each.monthlyUsd] : []))),
      ];
      expect(costs('machine')).toEqual([monthlyUsd]);
      expect([costs('address'), costs('key')]).toEqual([[0], [0]]);
      expect(costs('snapshot')).toEqual([expect.any(Number)]);
      expect(held.find(({ kind }) => kind === 'machine')).toMatchObject({ state: 'running' });
      for (const { id, createdAt } of held) {
        expect(id).not.toBe('');
        expect(createdAt).toBeGreaterThan(Date.now() - 3_600_000);
      }
      await persist(() => seller.ask().removeMachine(at));
    });

    test('without a machine, what needs one starts over', async () => {
      const seller = open();
      const order = await orderOf(seller.ask());
      await expect(seller.ask().probeMachine(at)).rejects.toThrow(StartOver);
      await expect(seller.ask().ensureAddress(at)).rejects.toThrow(StartOver);
      await expect(seller.ask().ensureMetadataFence(at)).rejects.toThrow(StartOver);
      const firewall = firewallFor({ workers: ['198.51.100.7/32'], ingress: 'none' });
      await expect(seller.ask().ensureFirewall(at, firewall)).rejects.toThrow(StartOver);
      await expect(seller.ask().ensureMachine(at, { ...order, key: 'oc-nobody' })).rejects.toThrow(StartOver);
      expect(await seller.costing()).toEqual([]);
    });
  });
}
