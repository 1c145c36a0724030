import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import type { Changing } from '../../../src/domain/gateway/changing.js';
import { changeIn } from '../../../src/workflows/record/queued.js';
import type { Replacement } from '../../../src/domain/changes/replacement.js';
import type { Deps } from '../../../src/world/deps.js';
import { openTestWorld } from '../../world/open-test-world.js';
import { isBack, keeping, provisioned, stateOf, upgrade } from '../proofs/interrupted.js';
import { VirtualEntity } from '../proofs/virtual-entity.js';
import type { FaultPlan } from '../proofs/virtual-runtime.js';

/** The engine of a world, which tells when a state was put where it belongs. */
function telling({ engineAt }: Deps, restored: () => Promise<void>): Deps['engineAt'] {
  return (place) =>
    new Proxy(engineAt(place), {
      get: (engine, name) => {
        if (name !== 'restoreVolume') return Reflect.get(engine, name, engine) as unknown;
        return async (copy: Parameters<typeof engine.restoreVolume>[0]) => {
          const answer = await engine.restoreVolume(copy);
          await restored();
          return answer;
        };
      },
    });
}

/**
 * A rollback cannot be proved and goes back. Its own state is there again, its container has not its name yet: then the first attempt
 * of "take state" wakes up, of which nobody heard the end, and copies the kept state. Where it has much to copy it is at that for a
 * while, and never says how it ended.
 */
async function wokenAmid(much: boolean, check: (entity: VirtualEntity) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  const { engine } = world;
  let [undoing, woken] = [false, false];
  const engineAt = telling(world.deps, async () => {
    if (!undoing || woken) return;
    woken = true;
    if (much) engine.pauseCopies(2); // It has said "torn" and emptied the volume.
    const told = {
      ...entity.gateway,
      change: entity.state.running && changeIn(entity.state.running),
    } as Changing<Replacement>;
    const late = world.activities.ensureTaken(told).catch(() => undefined);
    await (much ? sleep(100) : late);
  });
  const entity = new VirtualEntity({ ...world, activities: createActivities({ ...world.deps, engineAt }) });
  try {
    await provisioned(entity, keeping);
    entity.ask(upgrade);
    await entity.drain();
    fs.writeFileSync(path.join(world.root, 'files', entity.names.volume, 'notes.txt'), 'written since the upgrade');
    const before = stateOf(entity);
    const plan: FaultPlan = (step, doing, attempt) => {
      if (step === 'take state' && doing === 'do' && attempt === 1) return 'lose the answer';
      if (step === 'prove replacement' && doing === 'do') return 'refuse after';
      undoing ||= step === 'set aside' && doing === 'undo';
      if (doing === 'undo' && attempt === 2) engine.resumeCopies();
      return undefined;
    };
    entity.ask({ kind: 'rollback', readyMs: 60_000 });
    await entity.run(plan);
    assert.ok(woken, 'it woke up');
    await isBack(entity, before, ['a']);
    await check(entity);
  } finally {
    engine.resumeCopies();
    world.close();
  }
}

describe('a worker that wakes up in "take state" while its rollback goes back', () => {
  it.each([true, false])('costs nobody the present state (it has much to copy: %s)', async (much) => {
    await wokenAmid(much, async (entity) => {
      const undone = entity.runs.at(-1)?.runtime.undoAttempts.map(({ step }) => step) ?? [];
      assert.equal(undone.filter((step) => step === 'make room').length, 1); // What was saved goes when nothing can land any more.
    });
  });
});
