import { describe, expect, onTestFinished, test } from 'vitest';
import { demandEpoch } from '../../../src/activities/parts/host/epoch.js';
import { firstEpoch, type Epoch } from '../../../src/domain/recovery/epoch.js';
import { openTestWorld } from '../../world/open-test-world.js';

/** Whether a master of this epoch is obeyed by one engine, which remembers whom it has met. */
function oneEngine() {
  const world = openTestWorld();
  onTestFinished(world.close);
  const gateway = world.gateway('g42');
  return (epoch: Epoch) =>
    demandEpoch({ ...world.deps, epoch }, gateway.place).then(
      () => 'obeyed',
      (error: Error) => error.message,
    );
}

const [second, third] = [2, 3].map((number) => ({ number, id: `master-${number}` })) as [Epoch, Epoch];

describe('an engine (K-6)', () => {
  test('obeys the first master until another has come, and then never again', async () => {
    const meets = oneEngine();
    expect(await meets(firstEpoch)).toBe('obeyed');
    expect(await meets(second)).toBe('obeyed');
    expect(await meets(firstEpoch)).toMatch(/no longer obeys epoch 1/);
    expect(await meets(second)).toBe('obeyed');
  });

  test('refuses also one that is two epochs behind, and that it never met', async () => {
    const meets = oneEngine();
    expect(await meets(third)).toBe('obeyed');
    expect(await meets(firstEpoch)).toMatch(/epoch 1/);
    expect(await meets(second)).toMatch(/epoch 2/);
  });

  test('obeys one of two that took over the same export, the one that came first', async () => {
    const meets = oneEngine();
    const [one, other] = await Promise.all([meets(second), meets({ ...second, id: 'master-two' })]);
    expect([one, other].filter((each) => each === 'obeyed')).toHaveLength(1);
  });
});
