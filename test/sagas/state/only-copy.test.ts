import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { stateMarkFile } from '../../../src/domain/gateway/state-mark.js';
import { keeping, loseState, upgrade, upgradedGateway } from '../proofs/interrupted.js';
import type { VirtualEntity } from '../proofs/virtual-entity.js';

const dayMs = 24 * 3_600_000;
const inState = (entity: VirtualEntity, name: string) =>
  path.join(entity.world.root, 'files', entity.names.volume, name);

describe('a removal that keeps the state, of a gateway in a volume that was made for its only copy', () => {
  it('keeps it, where the mark is there', () => onOnlyCopy(async (entity) => isKept(entity, 'a year’s')));

  it('keeps it, where its owner has deleted the mark', () =>
    onOnlyCopy(async (entity) => {
      fs.rmSync(inState(entity, stateMarkFile));
      await isKept(entity, 'a year’s');
    }));

  it('keeps it, where its owner has put something else in the place of the mark', () =>
    onOnlyCopy(async (entity) => {
      fs.rmSync(inState(entity, stateMarkFile));
      fs.mkdirSync(inState(entity, stateMarkFile));
      await isKept(entity, 'a year’s');
    }));

  it('keeps it, and not the saved one of the release before, where its owner has deleted the mark', () =>
    onOnlyCopy(async (entity) => {
      await upgraded(entity);
      fs.writeFileSync(inState(entity, 'notes.txt'), 'of the new release');
      fs.rmSync(inState(entity, stateMarkFile));
      await isKept(entity, 'of the new release');
    }));

  it('keeps it, when the previous release was let go since and its owner has deleted the mark', () =>
    onOnlyCopy(async (entity) => {
      await upgraded(entity);
      await entity.pass(8 * dayMs);
      await entity.drain();
      fs.rmSync(inState(entity, stateMarkFile));
      await isKept(entity, 'a year’s');
    }));

  it('keeps one that was put back from a backup without the mark, as docs/runbook.md#state-torn says', () =>
    onOnlyCopy(async (entity) => {
      await upgraded(entity);
      entity.world.engine.crash(entity.names.container);
      fs.rmSync(inState(entity, stateMarkFile));
      fs.writeFileSync(inState(entity, 'notes.txt'), 'from the backup');
      await isKept(entity, 'from the backup');
    }));
});

/** A gateway that lives on in what a removal kept where its state was gone: that volume says so for ever. */
async function onOnlyCopy(run: (entity: VirtualEntity) => Promise<void>): Promise<void> {
  const template = await upgradedGateway();
  try {
    await template.on(async (entity) => {
      await loseState(entity);
      entity.remove();
      await entity.drain();
      entity.provision({ how: 'restore', spec: keeping });
      await entity.drain();
      assert.equal(entity.state.phase, 'ready', entity.state.reason);
      fs.writeFileSync(inState(entity, 'notes.txt'), 'a year’s');
      await run(entity);
    });
  } finally {
    template.close();
  }
}

async function upgraded(entity: VirtualEntity): Promise<void> {
  entity.ask(upgrade);
  await entity.drain();
  assert.equal(entity.gateway.spec.release, '2026.9.7', entity.state.reason);
}

/** Removed, and what lies in the state that is kept is what its owner wrote last. */
async function isKept(entity: VirtualEntity, notes: string): Promise<void> {
  entity.remove();
  await entity.drain();
  assert.deepEqual([entity.state.phase, entity.state.life?.left], ['removed', []], entity.state.reason);
  assert.deepEqual(entity.world.engine.leftovers(), [`volume ${entity.names.volume}`]);
  assert.equal(fs.readFileSync(inState(entity, 'notes.txt'), 'utf8'), notes);
}
