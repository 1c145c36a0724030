import { AllocateStaticIpCommand, AttachStaticIpCommand, LightsailClient } from '@aws-sdk/client-lightsail';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LightsailMachines } from '../../../src/adapters/lightsail/machine-provider.js';
import { firewallFor } from '../../../src/domain/hosts/firewall.js';
import { machineNames } from '../../../src/domain/hosts/machine.js';
import { DirectoryBody } from '../../../src/dev/lightsail/directory-body.js';
import type { Fault } from '../../../src/dev/lightsail/faults.js';
import { LightsailStandIn } from '../../../src/dev/lightsail/stand-in.js';
import { patienceMs } from '../../ground/patience.js';
import { scratchDirectory } from '../../world/scratch.js';
import { lightsailSeller, useStandIn } from './lightsail-hand.js';
import { at, deployment, key, machineContract, mark, orderOf, persist, region } from './machine-contract.js';

let standIn: LightsailStandIn;
let directory: string;
beforeEach(async () => {
  directory = scratchDirectory('creel-lightsail-');
  standIn = await LightsailStandIn.open({ directory });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await standIn.close();
});

machineContract('machines of Lightsail, at its stand-in', () => lightsailSeller(standIn));

const { machine: name, address: addressName } = machineNames(mark);
/** Longer than any test. */
const ever = 86_400_000;

const firewall = firewallFor({ workers: ['198.51.100.0/24'], ingress: 'public' });

/** Everything that a gateway's machine goes through, each step asked until it is done. */
async function wholeLife(provider: LightsailMachines): Promise<void> {
  const order = await persist(() => orderOf(provider));
  await persist(() => provider.ensureMachine(at, order));
  await persist(() => provider.probeMachine(at));
  await persist(() => provider.ensureAddress(at));
  await persist(() => provider.ensureFirewall(at, firewall));
  await persist(() => provider.ensureMetadataFence(at));
  await persist(() => provider.readHostKeys(at));
  await persist(() => provider.removeMachine(at));
  const fleet = await persist(() => provider.listFleetKeys(region, deployment));
  for (const each of fleet) await persist(() => provider.removeFleetKey(region, deployment, each));
}

/** What was paid for under a name, and how often it was begun. */
async function billed(kind: 'machine' | 'address'): Promise<string[]> {
  return (await standIn.bill()).filter((line) => line.kind === kind).map((line) => line.name);
}

describe('a life at which everything goes wrong ends with one machine that was paid for, and nothing that costs', () => {
  const faults: [string, Fault][] = [
    ['answers lost', { kind: 'lost' }],
    ['a page of HTML after it was done', { kind: 'html after' }],
    ['a page of HTML', { kind: 'html' }],
    ['throttled', { kind: 'throttled' }],
    ['an internal error', { kind: 'broken' }],
    ['slow', { kind: 'slow', ms: 60 }],
    ['failed', { kind: 'refused', type: 'OperationFailureException', message: 'It failed' }],
  ];
  const changing = ['ImportKeyPair', 'CreateInstances', 'AllocateStaticIp', 'AttachStaticIp', 'PutInstancePublicPorts'];
  const all = [...changing, 'UpdateInstanceMetadataOptions', 'DeleteInstance', 'ReleaseStaticIp', 'DeleteKeyPair'];
  test.each(faults)('%s, three times at every step', async (_title, fault) => {
    useStandIn(standIn);
    for (const call of [...all, 'GetInstance', 'GetInstances', 'GetStaticIp']) standIn.faults.plan(call, fault, 3);
    await wholeLife(new LightsailMachines(() => undefined));
    standIn.faults.clear();
    expect(await billed('machine')).toEqual([name]);
    expect(await standIn.costing()).toEqual([]);
    expect(await standIn.body.list()).toEqual([]);
    expect(await new LightsailMachines(() => undefined).listHeld(region)).toEqual([]);
  });

  test('no answer to a change ever arrives', async () => {
    useStandIn(standIn);
    for (const call of all) standIn.faults.plan(call, { kind: 'lost' });
    await wholeLife(new LightsailMachines(() => undefined));
    expect(await billed('machine')).toEqual([name]);
    expect(await standIn.costing()).toEqual([]);
  });
});

describe('what Lightsail takes its time for', () => {
  const open = async (paces: Partial<LightsailStandIn['paces']>) => {
    standIn.paces = { ...standIn.paces, ...paces };
    useStandIn(standIn);
    const provider = new LightsailMachines(() => undefined);
    return { provider, order: await orderOf(provider) };
  };

  test('a machine that cannot be seen after its order was lost is not ordered again', async () => {
    const { provider, order } = await open({ unseenMs: ever });
    standIn.faults.plan('CreateInstances', { kind: 'lost' }, 1);
    await expect(provider.ensureMachine(at, order)).rejects.toThrow('no answer that can be used');
    await expect(provider.ensureMachine(at, order)).rejects.toThrow(/NotYet|in use, and what bears it cannot be seen/);
    await expect(provider.probeMachine(at)).rejects.toThrow('was asked for and cannot be seen yet');
    await standIn.letGo();
    expect(await persist(() => provider.ensureMachine(at, order))).toBe('adopted');
    expect(await billed('machine')).toEqual([name]);
    await persist(() => provider.removeMachine(at));
    expect(await standIn.costing()).toEqual([]);
  });

  test('a name that outlives its machine is waited for', async () => {
    const { provider, order } = await open({ lingerMs: ever });
    await persist(() => provider.ensureMachine(at, order));
    await persist(() => provider.removeMachine(at));
    await expect(provider.ensureMachine(at, order)).rejects.toMatchObject({ name: 'NotYet' });
    await standIn.letGo();
    expect(await persist(() => provider.ensureMachine(at, order))).toBe('created');
    await persist(() => provider.removeMachine(at));
  });

  test('a machine that runs and has no address yet says which of the two is missing', async () => {
    const { provider, order } = await open({ addressMs: ever });
    await provider.ensureMachine(at, order);
    const said = () => provider.probeMachine(at).then(() => 'reached', String);
    const missing = `NotYet: machine ${name} in ${region} runs and has no address yet`;
    await expect.poll(said, { interval: 10, timeout: patienceMs }).toBe(missing);
    await expect(provider.readHostKeys(at)).rejects.toMatchObject({ name: 'NotYet' });
    await persist(() => provider.removeMachine(at));
  });

  test('a machine whose making fails later is refused with the reason', async () => {
    const { provider, order } = await open({ pendingMs: ever });
    await provider.ensureMachine(at, order);
    await expect(provider.probeMachine(at)).rejects.toThrow(`machine ${name} in ${region} is pending`);
    await standIn.fail(region, name, 'The blueprint is broken');
    await standIn.letGo();
    await expect(persist(() => provider.probeMachine(at))).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringContaining('blueprint is broken'),
    });
    expect(await standIn.costing()).toEqual([]);
  });

  test('a machine whose making fails later for want of room is made in the next zone (K-1)', async () => {
    const { provider, order } = await open({ pendingMs: ever });
    await provider.ensureMachine(at, order);
    await standIn.fail(region, name, 'We do not have sufficient capacity in this zone');
    await standIn.letGo();
    await expect(persist(() => provider.probeMachine(at))).rejects.toMatchObject({ name: 'StartOver' });
    expect(await persist(() => provider.ensureMachine(at, order))).toBe('created');
    const [first, second] = order.zones;
    expect(first).not.toBe(second);
    expect((await provider.findMachine(at))?.zone).toBe(second);
    await standIn.letGo();
    await persist(() => provider.removeMachine(at));
    expect(await standIn.costing()).toEqual([]);
  });
});

describe('the stand-in', () => {
  test('has everything after its own restart, in mid order too, and goes on with it', async () => {
    useStandIn(standIn);
    standIn.holdUp();
    const provider = new LightsailMachines(() => undefined);
    await provider.ensureMachine(at, await orderOf(provider));
    await standIn.allow({ machines: 1 });
    await standIn.close();
    standIn = await LightsailStandIn.open({ directory });
    useStandIn(standIn);
    const again = new LightsailMachines(() => undefined);
    const order = await orderOf(again);
    await expect(again.probeMachine(at)).rejects.toMatchObject({ name: 'NotYet' });
    await standIn.letGo();
    const found = await persist(() => again.probeMachine(at));
    expect(found).toMatchObject({ name, key: order.key });
    expect(await again.listFleetKeys(region, deployment)).toEqual([order.key]);
    const other = { region, mark: { ...mark, gateway: 'g43' } };
    await expect(again.ensureMachine(other, order)).rejects.toThrow('maximum limit of Lightsail Instances : 1.');
    expect((await standIn.costing()).map((line) => line.name)).toEqual([name]);
    await persist(() => again.removeMachine(at));
    expect(await standIn.costing()).toEqual([]);
  });

  test('bills what stands still: a stopped machine and an address that is attached to nothing', async () => {
    const seller = lightsailSeller(standIn);
    const provider = new LightsailMachines(() => undefined);
    const order = await orderOf(provider);
    await persist(() => provider.ensureMachine(at, order));
    await persist(() => provider.probeMachine(at));
    await persist(() => provider.ensureAddress(at));
    await seller.stopByHand(at);
    expect((await standIn.costing()).map((line) => line.kind)).toEqual(['machine']);
    standIn.faults.plan('ReleaseStaticIp', { kind: 'broken' });
    const said = () => provider.removeMachine(at).then(() => 'removed', String);
    await expect.poll(said, { interval: 10, timeout: patienceMs }).toContain('ReleaseStaticIp');
    expect((await standIn.costing()).map((line) => line.name)).toEqual([addressName]);
    standIn.faults.clear();
    await persist(() => provider.removeMachine(at));
    expect(await standIn.costing()).toEqual([]);
    expect(await billed('address')).toEqual([addressName, addressName]);
    expect((await standIn.bill()).find((line) => line.kind === 'machine')?.usd).toBeCloseTo(12 / 744);
  });

  test('has one namespace for things of all kinds in a region, and another one in each region', async () => {
    useStandIn(standIn);
    const provider = new LightsailMachines(() => undefined);
    await standIn.occupy('eu-west-1', 'LoadBalancer', name);
    const order = await orderOf(provider);
    const west = { mark, region: 'eu-west-1' };
    await provider.ensureFleetKey('eu-west-1', deployment, key);
    await expect(provider.ensureMachine(west, { ...order, zones: ['eu-west-1a'] })).rejects.toThrow(
      `load balancer ${name} exists without our mark`,
    );
    expect(await provider.ensureMachine(at, order)).toBe('created');
    await persist(() => provider.removeMachine(at));
  });

  test('can freeze a machine and take its power, of which Lightsail knows nothing', async () => {
    useStandIn(standIn);
    const provider = new LightsailMachines(() => undefined);
    const order = await orderOf(provider);
    await persist(() => provider.ensureMachine(at, order));
    await persist(() => provider.probeMachine(at));
    const body = standIn.body as DirectoryBody;
    const id = standIn.bodyOf(region, name);
    await body.freeze(id);
    expect(body.power(id)).toBe('frozen');
    await body.thaw(id);
    expect(body.power(id)).toBe('on');
    await body.kill(id);
    expect(body.power(id)).toBe('off');
    expect(await provider.probeMachine(at)).toMatchObject({ state: 'running' });
    await persist(() => provider.removeMachine(at));
    expect(await body.list()).toEqual([]);
  });
});

test('an address with our name that somebody attached to another machine is foreign, and stays where it is', async () => {
  useStandIn(standIn);
  const hand = new LightsailClient({ region });
  const provider = new LightsailMachines(() => undefined);
  const order = await orderOf(provider);
  const other = { region, mark: { ...mark, gateway: 'g43' } };
  for (const each of [at, other]) {
    await persist(() => provider.ensureMachine(each, order));
    await persist(() => provider.probeMachine(each));
  }
  const theirs = machineNames(other.mark).machine;
  await hand.send(new AllocateStaticIpCommand({ staticIpName: addressName }));
  await hand.send(new AttachStaticIpCommand({ staticIpName: addressName, instanceName: theirs }));
  await expect(provider.ensureAddress(at)).rejects.toMatchObject({ name: 'Foreign' });
  await expect(persist(() => provider.removeMachine(at))).rejects.toMatchObject({ name: 'Foreign' });
  expect(await provider.findMachine(other)).toMatchObject({ isAddressStatic: true });
  await persist(() => provider.removeMachine(other));
  await persist(() => provider.removeMachine(at));
  expect(await standIn.costing()).toEqual([]);
});

test('what an activity was cancelled for ends a question that is under way', async () => {
  useStandIn(standIn);
  const cancelled = new AbortController();
  const provider = new LightsailMachines(() => cancelled.signal);
  standIn.faults.plan('GetInstance', { kind: 'slow', ms: 2_000 });
  const already = standIn.asked.length;
  const ended = expect(provider.findMachine(at)).rejects.toThrow('the gateway is being removed');
  await vi.waitUntil(() => standIn.asked.length > already, { timeout: patienceMs });
  cancelled.abort(new Error('the gateway is being removed'));
  await ended;
  await expect(provider.findMachine(at)).rejects.toThrow('the gateway is being removed');
});

test('an order says all at once: mark, key, launch script, one machine, IPv4 only', async () => {
  useStandIn(standIn);
  const provider = new LightsailMachines(() => undefined);
  const order = await orderOf(provider);
  await persist(() => provider.ensureMachine(at, order));
  await persist(() => provider.ensureMachine(at, order));
  expect(standIn.asked.filter(({ call }) => call === 'CreateInstances')).toEqual([
    {
      call: 'CreateInstances',
      region,
      input: {
        instanceNames: [name],
        availabilityZone: 'eu-central-1a',
        blueprintId: 'debian_12',
        bundleId: 'small_3_0',
        keyPairName: order.key,
        userData: order.launchScript,
        ipAddressType: 'ipv4',
        tags: [
          { key: 'creel.deployment', value: deployment },
          { key: 'creel.gateway', value: 'g42' },
          { key: 'creel.birth', value: '7k3fq2' },
          { key: 'creel.layout', value: '1' },
        ],
      },
    },
  ]);
  await persist(() => provider.removeMachine(at));
});
