import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { copyFailure } from '../../../src/adapters/docker/copy-errors.js';
import { openTestWorld } from '../../world/open-test-world.js';
import { at } from '../proofs/faults.js';
import { isBack, isKeptWhole, keeping, provisioned, stateOf, upgrade, type State } from '../proofs/interrupted.js';
import { VirtualEntity } from '../proofs/virtual-entity.js';
import type { FaultPlan } from '../proofs/virtual-runtime.js';

const said = "cp: cannot create regular file '/state/notes': Input/output error";
const unproved = at('prove replacement', 'do', 'refuse after');

describe('a way back whose copy can never work', () => {
  it('parks, is not tried again meanwhile, and goes on from the top when an operator has mended the disk', async () => {
    await onBroken({ ...keeping, parkMs: 3_600_000 }, async (entity, disk, before) => {
      entity.ask(upgrade);
      const result = await entity.run(disk.breaking, {
        answer: () => {
          disk.broken = false;
          return 'retry';
        },
      });
      assert.equal(result?.outcome, 'undone', result?.reason);
      const { runtime } = entity.runs.at(-1) ?? {};
      const [first] = runtime?.parks ?? [];
      assert.deepEqual([first?.step, first?.doing, first?.answers], ['set aside', 'undo', ['retry', 'leave']]);
      assert.match(first?.reason ?? '', /^could not restore volume .*Input\/output error.*repair or replace it/);
      assert.equal(triesOf(entity), 3); // At once, when what was lost has settled, and at an operator's word.
      await isBack(entity, before);
    });
  });

  it('where nobody is asked, ends with what is left named, starts nothing on the torn state, and a repair goes on with it', async () => {
    await onBroken(keeping, async (entity, disk, before) => {
      entity.ask(upgrade);
      await entity.run(disk.breaking);
      for (let tried = 0; tried < 2; tried += 1) {
        const { result, runtime } = entity.runs.at(-1) ?? {};
        assert.deepEqual([result?.outcome, entity.state.phase], ['left', 'degraded']);
        const [left] = result?.left ?? [];
        assert.deepEqual([left?.step, left?.kind], ['set aside', 'Refused']);
        assert.match(left?.reason ?? '', /^could not restore volume .*Input\/output error/);
        assert.ok(runtime?.pages.includes('undo set aside: Refused'));
        assert.ok(triesOf(entity) <= 2);
        assert.ok(entity.world.engine.containers().every(({ state }) => state !== 'running'));
        entity.provision({ spec: entity.gateway.spec });
        await entity.run(disk.breaking); // The way back comes first.
      }
      disk.broken = false;
      entity.provision({ spec: entity.gateway.spec });
      await isBack(entity, before);
    });
  });

  it('keeps its saved state through a removal that meets the same, until it can be put back', async () => {
    await onBroken(keeping, async (entity, disk, before) => {
      entity.ask(upgrade);
      await entity.run(disk.breaking);
      entity.remove();
      await entity.run(disk.breaking);
      assert.match(entity.life.left.map(({ reason }) => reason).join(), /could not restore volume/);
      assert.ok(entity.world.engine.leftovers().some((each) => each.endsWith('-snap-a')));
      disk.broken = false;
      entity.remove();
      await isKeptWhole(entity, before);
    });
  });
});

/** How often the last operation tried to bring the previous gateway back. */
function triesOf(entity: VirtualEntity): number {
  return entity.runs.at(-1)?.runtime.undoAttempts.filter(({ step }) => step === 'set aside').length ?? 0;
}

type Disk = { broken: boolean; readonly breaking: FaultPlan };

/** A gateway whose disk fails from the moment at which an upgrade of it is taken back. */
async function onBroken(
  spec: typeof keeping,
  run: (entity: VirtualEntity, disk: Disk, before: State) => Promise<void>,
): Promise<void> {
  const world = openTestWorld();
  const disk: Disk = {
    broken: false,
    breaking: (step, doing, attempt) => {
      const fault = unproved(step, doing, attempt);
      disk.broken ||= fault !== undefined;
      return fault;
    },
  };
  const { engine } = world;
  const pass = engine.betweenPieces;
  engine.betweenPieces = async (copy, piece) => {
    await pass?.(copy, piece);
    if (!disk.broken || piece < 3) return;
    engine.crash(copy.copier, 1);
    throw copyFailure('restore', copy.state, 1, said);
  };
  try {
    const entity = await provisioned(new VirtualEntity(world), spec);
    await run(entity, disk, stateOf(entity));
  } finally {
    world.close();
  }
}
