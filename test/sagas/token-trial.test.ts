import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import { createActivities } from '../../src/activities/activities.js';
import type { Rotation } from '../../src/domain/changes/rotation.js';
import { whyRestarted } from '../../src/releases/token-trial.js';
import { rotate, rotateSteps } from '../../src/workflows/rotate/operation.js';
import { imageOf, openTestWorld, testSpec } from '../world/open-test-world.js';
import { ChangeStage } from './proofs/change-stage.js';

const release = '2026.9.30';
const rotation: Rotation = {
  kind: 'rotate',
  nextTokenGeneration: 2,
  nextDeviceGeneration: 1,
  reclaim: false,
  evict: false,
  approved: [],
};

/** A gateway on a release of which no label says how it takes a token, and its line on record does, or does not. */
async function onRelease<T>(takes: string, reloadsToken: boolean, run: (stage: ChangeStage) => Promise<T>): Promise<T> {
  const world = openTestWorld();
  try {
    const labels = { 'creel.release': release, 'creel.capabilities': 'startupz', 'test.token': takes };
    world.engine.addImage(imageOf(release), { id: `sha256:${'f'.repeat(64)}`, labels });
    const deps = { ...world.deps, catalogue: [{ version: release, image: imageOf(release), dev: true, reloadsToken }] };
    const own = { ...world, deps, activities: createActivities(deps) };
    const stage = new ChangeStage(own, { operation: rotate, steps: rotateSteps });
    stage.gateway = { ...stage.gateway, spec: { ...testSpec, release } };
    await stage.provision();
    return await run(stage);
  } finally {
    world.close();
  }
}

describe('whether a release takes another token while it runs is found out by changing it (S3-24)', () => {
  const why = (takes: string) =>
    onRelease(takes, true, ({ world, gateway }) => whyRestarted(world.deps, world.activities, gateway));

  it.concurrent('and it does', async () => {
    expect(await why('hot')).toBeUndefined();
  });

  it.concurrent('and it does not where it hears nothing of it, begins anew, or nobody can tell', async () => {
    expect(await why('unheard')).toMatch(/session on the old token was still open/);
    expect(await why('anew')).toMatch(/lost|it began anew/);
    expect(await why('silent')).toBe('it does not tell one boot from another');
  });
});

it.each([
  [true, /^generation 2 in force, a session on generation 1 closed \(4001\)/],
  [false, /^generation 2 in force after a restart/],
])('a rotation goes by what is on record where no label says it: taken while it runs, %s', async (reloads, says) => {
  await onRelease('hot', reloads, async (stage) => {
    const { outcome, reason, proofs } = await stage.run(rotation);
    assert.equal(outcome, 'done', reason);
    expect(proofs?.find(({ step }) => step === 'apply token')?.proof).toMatch(says);
  });
});
