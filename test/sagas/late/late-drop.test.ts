import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import type { Activities } from '../../../src/activities/activities.js';
import { changeIn } from '../../../src/workflows/record/queued.js';
import type { Changing } from '../../../src/domain/gateway/changing.js';
import type { Replacement, SavedStateDrop } from '../../../src/domain/changes/replacement.js';
import { openTestWorld, type TestWorld } from '../../world/open-test-world.js';
import { at, noFault } from '../proofs/faults.js';
import { isBack, keeping, provisioned, stateOf, upgrade } from '../proofs/interrupted.js';
import { VirtualEntity } from '../proofs/virtual-entity.js';

/** What a worker that slept does when the next replacement has saved its state. */
type Late = (world: TestWorld, entity: VirtualEntity) => Promise<unknown>;

/** A gateway that went back to its former release, and let go of what that left. */
async function rolledBack(run: (entity: VirtualEntity, wake: (late: Late) => void) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  let asleep: Late | undefined;
  const activities: Activities = {
    ...world.activities,
    ensureReplacement: async (told) => {
      const late = asleep;
      asleep = undefined;
      await late?.(world, entity).catch(() => undefined);
      return world.activities.ensureReplacement(told);
    },
  };
  const entity = new VirtualEntity({ ...world, activities });
  try {
    await provisioned(entity, keeping);
    entity.ask(upgrade);
    await entity.drain();
    entity.ask({ kind: 'rollback', readyMs: 60_000 });
    await entity.run();
    await entity.run(at('drop snapshot', 'do', 'lose the answer')); // Attempt 1 is the one that sleeps, attempt 2 has done it.
    assert.equal(entity.state.phase, 'ready', entity.state.reason);
    await run(entity, (late) => {
      asleep = late;
    });
    assert.equal(asleep, undefined, 'it woke up');
  } finally {
    world.close();
  }
}

/** The first attempt of a step of the last operation of a kind, once more. */
function firstAttempt(
  entity: VirtualEntity,
  kind: string,
  call: (world: TestWorld, told: never) => Promise<unknown>,
): Late {
  const run = entity.runs.findLast(({ operation }) => operation.kind === kind);
  const change = run && changeIn(run.operation);
  const told = { ...entity.gateway, change };
  return async (world) => call(world, told as never);
}

const dropping = async ({ activities }: TestWorld, told: Changing<SavedStateDrop>) => activities.ensureDropped(told);
const makingRoom = async ({ activities }: TestWorld, told: Changing<Replacement>) => activities.ensureRoom(told);

describe.each([
  ['drop snapshot', 'drop-snapshot', dropping],
  ['make room', 'upgrade', makingRoom],
] as const)('a worker that wakes up in "%s" when the next upgrade has saved its state', (_step, kind, call) => {
  it('lets nothing of that go: its way back has what it needs', async () => {
    await rolledBack(async (entity, wake) => {
      fs.writeFileSync(path.join(entity.world.root, 'files', entity.names.volume, 'notes.txt'), 'the present state');
      const before = stateOf(entity);
      wake(firstAttempt(entity, kind, call));
      entity.ask(upgrade);
      await entity.run(at('prove replacement', 'do', 'refuse after'));
      await isBack(entity, before, ['b']);
    });
  });

  it('does not end an upgrade that is good', async () => {
    await rolledBack(async (entity, wake) => {
      wake(firstAttempt(entity, kind, call));
      entity.ask(upgrade);
      const result = await entity.run(noFault);
      assert.equal(result?.outcome, 'done', result?.reason);
    });
  });
});
