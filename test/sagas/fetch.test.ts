import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { createActivities } from '../../src/activities/activities.js';
import type { Image } from '../../src/domain/release/image.js';
import { replaced, type Replacement } from '../../src/domain/changes/replacement.js';
import { rollbackSteps, upgradeSteps, upgrade as upgrading } from '../../src/workflows/replace/operation.js';
import { imageOf, openTestWorld, testRelease, testSpec } from '../world/open-test-world.js';
import { ChangeStage } from './proofs/change-stage.js';

const spec = { ...testSpec, dev: false };
const next = '2026.9.7';
const upgrade: Replacement = { kind: 'upgrade', number: 7, to: { ...spec, release: next }, save: 'a', readyMs: 2_000 };
const rollback: Replacement = { kind: 'rollback', number: 9, to: spec, save: 'b', take: 'a', readyMs: 2_000 };
const bigger: Replacement = { kind: 'change', number: 9, to: { ...spec, cpus: 2 }, save: 'a', readyMs: 2_000 };

describe('an image that is in the registry alone is fetched', () => {
  it('by a provision, and by a repair of a gateway that went down since its image was removed', async () => {
    await onRegistry(async (stage) => {
      await stage.provision();
      stage.world.engine.crash(stage.names.container);
      removed(stage, testRelease);
      await stage.provision();
      assert.ok(await stage.world.engine.findImage(byDigest(testRelease)));
      assert.equal((await stage.world.activities.findGateway(stage.gateway)).version, testRelease);
    });
  });

  it('by an upgrade while the previous release runs, and by the rollback whose image was removed meanwhile', async () => {
    await onRegistry(async (stage) => {
      await stage.provision();
      const up = await stage.run(upgrade);
      assert.equal(up.outcome, 'done', up.reason);
      stage.gateway = replaced({ ...stage.gateway, change: upgrade });
      removed(stage, testRelease);
      const back = await stage.run(rollback, undefined, rollbackSteps);
      assert.equal(back.outcome, 'done', back.reason);
      assert.ok(await stage.world.engine.findImage(byDigest(testRelease)));
    });
  });

  it('by a change, although a container of the same release runs', async () => {
    await onRegistry(async (stage) => {
      await stage.provision();
      await unnamed(stage, testRelease);
      const result = await stage.run(bigger, undefined, upgradeSteps);
      assert.equal(result.outcome, 'done', result.reason);
      assert.ok(await stage.world.engine.findImage(byDigest(testRelease)));
    });
  });
});

it('an image of another version than its catalogue line is refused when it has been fetched, while the old one serves', async () => {
  await onRegistry(async (stage) => {
    await stage.provision();
    offer(stage, next, { 'creel.release': '2026.9.5' });
    const result = await stage.run(upgrade);
    assert.equal(result.outcome, 'undone');
    assert.match(result.reason, /^fetch replacement: image .* says it is 2026\.9\.5, the catalogue says 2026\.9\.7/);
    await stage.world.activities.findGateway(stage.gateway);
  });
});

it('an upgrade goes back to a release whose image has lost its name, by what the container holds', async () => {
  await onRegistry(async (stage) => {
    await stage.provision();
    await unnamed(stage, testRelease);
    fs.rmSync(path.join(stage.world.root, 'registry'), { recursive: true });
    offer(stage, next, { 'creel.schema.state': '19', 'test.behaviour': 'crashes' });
    const result = await stage.run(upgrade);
    assert.equal(result.outcome, 'undone', result.reason);
    assert.match(result.reason, /it crashes/);
    assert.equal((await stage.world.activities.findGateway(stage.gateway)).version, testRelease);
  });
});

/** A world whose catalogue names releases by digest, none of which is on the engine. */
async function onRegistry(run: (stage: ChangeStage) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  try {
    const catalogue = [testRelease, next].map((version) => ({ version, image: byDigest(version), dev: false }));
    const stage = new ChangeStage(
      { ...world, activities: createActivities({ ...world.deps, catalogue }) },
      { operation: upgrading, steps: upgradeSteps },
    );
    stage.gateway = { ...stage.gateway, spec };
    for (const version of [testRelease, next]) {
      const image = await world.engine.findImage(imageOf(version));
      assert.ok(image);
      removed(stage, version);
      offer(stage, version, image.labels);
    }
    await run(stage);
  } finally {
    world.close();
  }
}

function offer(stage: ChangeStage, version: string, labels: Image['labels']): void {
  const own = {
    'creel.release': version,
    'creel.plugins': 'telegram',
    'creel.capabilities': 'startupz,hot-reload-token',
  };
  const id = `sha256:${version.replaceAll('.', '').padEnd(64, '0')}`;
  stage.world.engine.offerImage(byDigest(version), { id, labels: { ...own, ...labels } });
}

/** Somebody took the image off the engine, by whatever name. */
function removed(stage: ChangeStage, version: string): void {
  for (const reference of [byDigest(version), imageOf(version)])
    fs.rmSync(path.join(stage.world.root, 'images', `${encodeURIComponent(reference)}.json`), { force: true });
}

/** Somebody took the name off an image that a container holds. */
async function unnamed(stage: ChangeStage, version: string): Promise<void> {
  const image = await stage.world.engine.findImage(byDigest(version));
  assert.ok(image);
  removed(stage, version);
  stage.world.engine.addImage('untagged', image);
}

function byDigest(version: string): string {
  return `registry.example/openclaw@sha256:${version.replaceAll('.', '').padEnd(64, 'a')}`;
}
