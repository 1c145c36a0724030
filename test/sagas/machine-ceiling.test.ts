import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createActivities } from '../../src/activities/activities.js';
import { accountOf } from '../world/machine-world.js';
import { openTestWorld, type TestWorld } from '../world/open-test-world.js';
import { billOf, onMachine } from './proofs/machine-ground.js';

/** A world whose settings let machines be so many, or cost so much. */
function limited(ceiling: { machines?: number; monthlyUsd?: number }): TestWorld {
  const { root, close } = openTestWorld();
  fs.writeFileSync(path.join(root, 'spend.json'), JSON.stringify(ceiling));
  return { ...openTestWorld(root), close };
}

const machinesOn = (world: TestWorld) => billOf(world).filter((line) => line.startsWith('machine '));

describe('a ceiling on machines', () => {
  it.each([
    ['on what they cost', { monthlyUsd: 30 }, /may cost 30 USD a month, they cost 24 USD, and this one .* 12 USD more/],
    ['on how many there are', { machines: 2 }, /there may be 2 machines at lightsail, and there are 2/],
  ])(
    '%s refuses the one that is too many before it is bought, and lets those go on that there are (K-1)',
    async (_what, ceiling, why) => {
      const world = limited(ceiling);
      try {
        const [one, two, three] = ['g1', 'g2', 'g3'].map((id) => onMachine(world, id));
        if (!one || !two || !three) throw new Error('too few');
        for (const each of [one, two]) {
          await world.activities.probeMachineOrder(each);
          await world.activities.ensureMachine(each);
        }
        await expect(world.activities.probeMachineOrder(three)).rejects.toThrow(why);
        await expect(world.activities.ensureMachine(three)).rejects.toThrow(/\[ceiling\] in lightsail\.toml/);
        await world.activities.ensureMachine(one);
        expect(machinesOn(world)).toHaveLength(2);
        await expect(world.activities.removeMachine(one)).resolves.toBeUndefined();
        await world.activities.ensureMachine(three);
        expect(machinesOn(world)).toHaveLength(2);
      } finally {
        world.close();
      }
    },
  );

  it('holds where many are asked for at once through one worker', async () => {
    const world = limited({ monthlyUsd: 36 });
    try {
      const asked = Array.from({ length: 8 }, (_, index) =>
        world.activities.ensureMachine(onMachine(world, `g${index}`)),
      );
      const ends = await Promise.allSettled(asked);
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
      expect(machinesOn(world)).toHaveLength(3);
    } finally {
      world.close();
    }
  });

  it('counts what was just bought, though the seller does not list it yet (K-1)', async () => {
    const world = limited({ machines: 2 });
    try {
      const { machines } = world.deps;
      if (!machines) throw new Error('the world buys no machines');
      const account = accountOf(world.root);
      account.listHeld = async () => [];
      const activities = createActivities({ ...world.deps, machines: { ...machines, provider: account } });
      const [one, two, three] = ['g1', 'g2', 'g3'].map((id) => onMachine(world, id));
      if (!one || !two || !three) throw new Error('too few');
      await activities.ensureMachine(one);
      await activities.ensureMachine(two);
      await expect(activities.ensureMachine(three)).rejects.toThrow(
        /there may be 2 machines at lightsail, and there are 2/,
      );
      await activities.ensureMachine(one);
      await activities.removeMachine(two);
      await activities.ensureMachine(three);
      expect(machinesOn(world)).toHaveLength(2);
      await activities.removeMachine(one);
      account.become({ machines: 0 });
      await expect(activities.ensureMachine(two)).rejects.toThrow('quota of 0 machines');
      account.become({ machines: 9 });
      await activities.ensureMachine(one);
    } finally {
      world.close();
    }
  });

  it('counts what is in other regions on record, and nothing of another deployment', async () => {
    const world = limited({ machines: 1 });
    try {
      const foreign = onMachine(world, 'g1');
      await world.activities.ensureMachine({ ...foreign, mark: { ...foreign.mark, deployment: 'otherdeplo' } });
      const account = accountOf(world.root);
      const { mark } = onMachine(world, 'g2');
      const away = { mark, region: 'us-west-2' };
      const [fleetKey] = world.deps.machines?.fleetKeys() ?? [];
      if (!fleetKey) throw new Error('the world buys no machines');
      const key = await account.ensureFleetKey(away.region, mark.deployment, fleetKey);
      await account.ensureMachine(away, { zones: ['z'], size: 'small', system: 'debian_12', key, launchScript: '' });
      const at = { provider: 'lightsail', region: away.region } as const;
      const onMachines = async function* () {
        yield { gateway: 'g2', birth: mark.birth, phase: 'ready', at, engine: undefined };
      };
      const activities = createActivities({ ...world.deps, records: { ...world.deps.records, onMachines } });
      await expect(activities.ensureMachine(onMachine(world, 'g3'))).rejects.toThrow(/may be 1 machine at lightsail/);
      expect(machinesOn(world)).toHaveLength(1);
      account.become({ regions: ['eu-central-1', 'us-west-2'], silentRegions: ['us-west-2'] });
      await expect(activities.ensureMachine(onMachine(world, 'g3'))).rejects.toThrow('nobody answers for us-west-2');
      await world.activities.ensureMachine(onMachine(world, 'g4'));
      expect(machinesOn(world)).toHaveLength(2);
    } finally {
      world.close();
    }
  });

  it('counts a machine in a region that no gateway names, where the region answers (K-1)', async () => {
    const world = limited({ machines: 1 });
    try {
      const lost = onMachine(world, 'g1', { provider: 'lightsail', region: 'us-west-2' });
      const account = accountOf(world.root);
      account.become({ regions: ['eu-central-1', 'us-west-2'] });
      await world.activities.ensureMachine(lost);
      const next = onMachine(world, 'g2');
      await expect(world.activities.ensureMachine(next)).rejects.toThrow(/there may be 1 machine .* and there are 1/);
      expect(await world.activities.findBought()).toMatchObject({
        machines: [{ gateway: 'g1', region: 'us-west-2', size: 'small', monthlyUsd: 12 }],
        spend: { machines: 1, monthlyUsd: 12 },
        ceiling: { machines: 1 },
        unseen: [],
      });
      account.become({ silentRegions: ['us-west-2'] });
      expect(await world.activities.findBought()).toMatchObject({
        machines: [],
        unseen: [{ region: 'us-west-2', reason: 'nobody answers for us-west-2' }],
      });
      await world.activities.ensureMachine(next);
      expect(machinesOn(world)).toHaveLength(1);
    } finally {
      world.close();
    }
  });
});
