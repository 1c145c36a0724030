import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import { replacementNames } from '../../../src/domain/changes/replacement.js';
import { readStateMark, stateMarkFile, writeStateMark } from '../../../src/domain/gateway/state-mark.js';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { checkRequest } from '../../../src/workflows/entity/check.js';
import { emptyState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { imageOf, openTestWorld, testDeployment } from '../../world/open-test-world.js';
import {
  keeping,
  loseState,
  provisioned,
  readyGateway,
  stateIn,
  stateOf,
  upgradedGateway,
} from '../proofs/interrupted.js';
import { VirtualEntity, type Template } from '../proofs/virtual-entity.js';

const releases = ['2026.9.6', '2026.9.7'];
const newer = '2026.9.7';

describe('a removal by birth, of a life whose record is lost, that keeps the state', () => {
  it('keeps that of a gateway that was never upgraded, and its own release takes it up', () =>
    onLost(readyGateway, async (entity) => {
      const before = stateOf(entity);
      const next = removedByBirth(entity);
      await comesBack(next, keeping.release, before.files);
    }));

  it('keeps that of a gateway whose previous release is kept, and the record learns which release it is', () =>
    onLost(upgradedGateway, async (entity) => {
      const before = stateOf(entity);
      const next = removedByBirth(entity);
      await comesBack(next, newer, before.files);
    }));

  it('keeps the saved one of a gateway whose state is gone', () =>
    onLost(upgradedGateway, async (entity) => {
      const { a } = replacementNames(entity.gateway.mark).savedStates;
      const saved = stateIn(path.join(entity.world.root, 'files', a, 'state'));
      await loseState(entity);
      const next = removedByBirth(entity);
      await comesBack(next, keeping.release, saved.files);
    }));

  it('puts a torn one back from the saved state that was being copied into it', () =>
    onLost(upgradedGateway, async (entity) => {
      const { world, names } = entity;
      const { a } = replacementNames(entity.gateway.mark).savedStates;
      const saved = path.join(world.root, 'files', a, 'state');
      const whole = readStateMark(fs.readFileSync(path.join(saved, stateMarkFile), 'utf8'));
      assert.ok(whole);
      world.engine.crash(names.container);
      const file = path.join(world.root, 'files', names.volume, stateMarkFile);
      fs.writeFileSync(file, writeStateMark({ ...whole, whole: false }));
      const next = removedByBirth(entity);
      await comesBack(next, keeping.release, stateIn(saved).files);
    }));
});

describe('a removal that keeps the state, of an upgraded gateway whose host was pruned while it was down', () => {
  it('keeps it', () =>
    onPruned(async (entity) => {
      const before = stateOf(entity);
      await isRemoved(entity);
      assert.deepEqual(stateOf(entity).files, before.files);
    }));

  it('keeps the saved one, when the volume went as well', () =>
    onPruned(async (entity) => {
      await entity.world.engine.removeVolume(entity.names.volume);
      await isRemoved(entity);
      assert.equal(entity.gateway.spec.release, '2026.9.6');
    }));

  it('says which image to fetch where no registry gives one, and goes on then', () =>
    onPruned(async (entity) => {
      const { root, engine } = entity.world;
      const offers = path.join(root, 'registry');
      fs.renameSync(offers, `${offers}.away`);
      entity.remove();
      await entity.drain();
      assert.match(
        entity.state.reason,
        /^make room: no image of any release in the catalogue is on host .*`docker pull registry\.example\/openclaw@sha256:202697/,
      );
      fs.renameSync(`${offers}.away`, offers);
      await engine.pullImage(byDigest(newer), () => undefined);
      await isRemoved(entity);
    }));
});

describe('a removal of a gateway whose state somebody has removed', () => {
  it('does not say that it keeps one, and the id is free', () =>
    onLost(readyGateway, async (entity) => {
      await loseState(entity);
      entity.remove();
      await entity.drain();
      assert.deepEqual(entity.world.engine.leftovers(), []);
      const { phase, reason } = entity.state;
      const { left, stateKeptUntil } = entity.life;
      assert.deepEqual([phase, left, stateKeptUntil], ['removed', [], 0], reason);
      assert.equal(reason, 'its state was gone already: none is kept');
    }));
});

/** A removal of a life that no record knows any more. */
function removedByBirth(entity: VirtualEntity): VirtualEntity {
  const { birth } = entity.gateway.mark;
  const next = new VirtualEntity(entity.world, emptyState(50, 0));
  const place = { provider: 'local', host: 'local' } as const;
  const request = { kind: 'remove', purge: false, birth, requestId: 'lost', origin: 'test', place } as const;
  checkRequest(next.state, request, defaultLimits);
  acceptRequest(next.state, request, testDeployment, 'g42', 0);
  return next;
}

/** What is kept is this state, another release is told its own, and that one takes it up. */
async function comesBack(entity: VirtualEntity, release: string, files: unknown): Promise<void> {
  await isRemoved(entity);
  assert.deepEqual(stateOf(entity).files, files);
  for (const other of releases.filter((each) => each !== release))
    assert.throws(
      () => entity.provision({ how: 'restore', spec: { ...keeping, release: other } }),
      new RegExp(`belongs to release ${release}, not ${other}`),
    );
  entity.provision({ how: 'restore', spec: { ...keeping, release } });
  await entity.drain();
  assert.equal(entity.state.phase, 'ready', entity.state.reason);
}

/** Removed, and exactly its state is kept. */
async function isRemoved(entity: VirtualEntity): Promise<void> {
  if (entity.state.queue.length === 0) entity.remove();
  await entity.drain();
  assert.deepEqual([entity.state.phase, entity.state.life?.left], ['removed', []], entity.state.reason);
  assert.match(entity.state.reason, /^state kept until /);
  assert.deepEqual(entity.world.engine.leftovers(), [`volume ${entity.names.volume}`]);
}

async function onLost(begin: () => Promise<Template>, run: (entity: VirtualEntity) => Promise<void>): Promise<void> {
  const template = await begin();
  try {
    await template.on(run);
  } finally {
    template.close();
  }
}

function byDigest(version: string): string {
  return `registry.example/openclaw@sha256:${version.replaceAll('.', '').padEnd(64, 'a')}`;
}

/** An upgraded gateway of releases that a registry gives; it went down, and then went everything that nothing used. */
async function onPruned(run: (entity: VirtualEntity) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  try {
    const { engine } = world;
    for (const version of releases) {
      const image = await engine.findImage(imageOf(version));
      assert.ok(image);
      engine.offerImage(byDigest(version), image);
      fs.rmSync(path.join(world.root, 'images', `${encodeURIComponent(imageOf(version))}.json`));
    }
    const catalogue = releases.map((version) => ({ version, image: byDigest(version), dev: false }));
    const entity = new VirtualEntity({ ...world, activities: createActivities({ ...world.deps, catalogue }) });
    await provisioned(entity, { ...keeping, dev: false });
    entity.ask({ kind: 'upgrade', release: newer, dev: false, retryFailed: false, readyMs: 60_000 });
    await entity.drain();
    assert.equal(entity.gateway.spec.release, newer, entity.state.reason);
    const container = await engine.findContainer(entity.names.container);
    if (container) await engine.removeContainer(container.id);
    for (const version of releases) await engine.removeImage(byDigest(version));
    await run(entity);
  } finally {
    world.close();
  }
}
