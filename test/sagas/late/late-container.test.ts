import { afterAll, expect, test } from 'vitest';
import { names } from '../../../src/domain/gateway/gateway.js';
import { openTestWorld } from '../../world/open-test-world.js';

const world = openTestWorld();
afterAll(() => world.close());

test.each(['removeNetwork', 'removeState'] as const)(
  'a container that landed after its undo does not hold up %s',
  async (undo) => {
    const { activities, engine } = world;
    const gateway = world.gateway(`late-${undo.toLowerCase()}`);
    await activities.ensureHost(gateway);
    for (const make of ['ensureRelease', 'ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer'] as const)
      await activities[make](gateway);
    await activities[undo](gateway);
    const own = names(gateway.mark);
    expect(await engine.findContainer(own.container)).toBeUndefined();
    expect(await engine.findNetworks(own.network)).toHaveLength(undo === 'removeNetwork' ? 0 : 1);
    expect((await engine.findVolume(own.volume)) === undefined).toBe(undo === 'removeState');
  },
);
