import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { copyFailure } from '../../src/adapters/docker/copy-errors.js';
import type { ParkAnswer } from '../../src/wire/park.js';
import type { Pause } from '../../src/workflows/saga/saga.js';
import { openTestWorld } from '../world/open-test-world.js';
import { at } from './proofs/faults.js';
import { isBack, keeping, provisioned, stateOf, upgrade } from './proofs/interrupted.js';
import { VirtualEntity } from './proofs/virtual-entity.js';
import type { FaultPlan } from './proofs/virtual-runtime.js';

type Disk = { broken: boolean };
type Answer = (pause: Pause, disk: Disk) => ParkAnswer | undefined;

/** An upgrade that cannot be proved goes back on a disk that breaks then; answers where it parked. */
async function backOnBroken(answer: Answer, check: (entity: VirtualEntity, parked: string[]) => Promise<void>) {
  const world = openTestWorld();
  const { engine } = world;
  const disk: Disk = { broken: false };
  const unproved = at('prove replacement', 'do', 'refuse after');
  const breaking: FaultPlan = (...told) => {
    const fault = unproved(...told);
    disk.broken ||= fault !== undefined;
    return fault;
  };
  engine.betweenPieces = (copy, piece) => {
    if (!disk.broken || piece < 3) return;
    engine.crash(copy.copier, 1);
    throw copyFailure('restore', copy.state, 1, "cp: cannot create regular file '/state/notes': Input/output error");
  };
  try {
    const entity = await provisioned(new VirtualEntity(world), { ...keeping, parkMs: 3_600_000 });
    const before = stateOf(entity);
    entity.ask(upgrade);
    const result = await entity.run(breaking, { answer: (pause) => answer(pause, disk) });
    assert.equal(result?.outcome, 'undone', JSON.stringify(result?.left));
    await isBack(entity, before);
    await check(entity, entity.runs.at(-1)?.runtime.parks.map(({ step }) => step) ?? []);
  } finally {
    world.close();
  }
}

describe('a way back that parks', () => {
  it('is tried once more when the wait is over, before anything is left', async () => {
    const mended: Answer = (_pause, disk) => {
      disk.broken = false; // Somebody mends the disk, and gives no answer.
      return undefined;
    };
    await backOnBroken(mended, async (_entity, parked) => assert.deepEqual(parked, ['set aside']));
  });

  it('asks nobody for a step that only waited for the one that was answered', async () => {
    const mended: Answer = ({ step }, disk) => {
      if (step !== 'set aside') return undefined;
      disk.broken = false;
      return 'retry';
    };
    await backOnBroken(mended, async (_entity, parked) => assert.deepEqual(parked, ['set aside']));
  });
});
