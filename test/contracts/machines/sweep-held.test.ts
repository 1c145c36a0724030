import { DeleteInstanceCommand, LightsailClient } from '@aws-sdk/client-lightsail';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import type { RegionAt } from '../../../src/domain/hosts/region.js';
import { machineNames } from '../../../src/domain/hosts/machine.js';
import { regionKey } from '../../../src/domain/hosts/region.js';
import type { Owner } from '../../../src/domain/sweep/owner.js';
import { LightsailStandIn } from '../../../src/dev/lightsail/stand-in.js';
import { openTestWorld, testDeployment, type TestWorld } from '../../world/open-test-world.js';
import { scratchDirectory } from '../../world/scratch.js';
import { lightsailSeller } from './lightsail-hand.js';
import { key, orderOf, persist, region } from './machine-contract.js';

const mark = { deployment: testDeployment, gateway: 'g42', birth: '7k3fq2', layout: 1 };
const at: RegionAt = { provider: 'lightsail', region };

let standIn: LightsailStandIn;
let world: TestWorld;
beforeEach(async () => {
  standIn = await LightsailStandIn.open({ directory: scratchDirectory('creel-lightsail-') });
  world = openTestWorld();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  world.close();
  await standIn.close();
});

/** The activities over a seller, with a record that says this. */
function activitiesOver(seller: ReturnType<typeof lightsailSeller>, owner: Owner) {
  const { deps } = world;
  const machines = deps.machines && { ...deps.machines, provider: seller.ask(), fleetKeys: () => [key] };
  return createActivities({ ...deps, machines, records: { ...deps.records, owner: async () => owner } });
}

test('what a removed gateway left at Lightsail is found with its price, and after the sweep nothing costs (S4-5, K-1)', async () => {
  const seller = lightsailSeller(standIn);
  const provider = seller.ask();
  const order = await orderOf(provider);
  const where = { mark, region };
  await persist(() => provider.ensureMachine(where, order));
  await persist(() => provider.probeMachine(where));
  await persist(() => provider.ensureAddress(where));
  const { machine: instanceName, address } = machineNames(mark);
  await new LightsailClient({ region }).send(new DeleteInstanceCommand({ instanceName, forceDeleteAddOns: true }));
  await vi.waitUntil(async () => (await provider.findMachine(where)) === undefined, 10_000);
  const removed = { is: 'removed', birth: mark.birth, at, busy: false, left: false, stateGoes: true } as const;
  const asked = { engine: regionKey(at), at, after: '', limit: 9 };
  const unsaid = await activitiesOver(seller, { is: 'unknown' }).findUnownedIn(asked);
  expect(unsaid).toMatchObject({ remove: [], report: [{ kind: 'address', name: address, lost: true }] });
  const activities = activitiesOver(seller, removed);
  const { remove, things } = await activities.findUnownedIn(asked);
  expect(things).toBe(1);
  expect(remove).toMatchObject([{ kind: 'address', name: address, monthlyUsd: expect.closeTo(3.72) }]);
  for (const thing of remove) expect(await activities.ensureSwept(thing)).toBeUndefined();
  expect(await standIn.costing()).toEqual([]);
  expect((await activities.findUnownedIn(asked)).remove).toEqual([]);
});
