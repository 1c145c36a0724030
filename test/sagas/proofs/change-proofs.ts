import assert from 'node:assert/strict';
import type { Change } from '../../../src/domain/changes/change.js';
import { openTestWorld } from '../../world/open-test-world.js';
import { ChangeStage, type ChangeLists } from './change-stage.js';
import { at, noFault } from './faults.js';
import type { Proof } from './saga-proofs.js';
import type { FaultPlan } from './virtual-runtime.js';

/** What a change is, and what must be true of the world when it is done and when it is not. */
export type ChangeUnderProof = ChangeLists & {
  /** Brings a provisioned world to where the change begins, and says what it is to come to. */
  readonly begin: (stage: ChangeStage) => Promise<Change>;
  readonly isDone: (stage: ChangeStage, change: Change) => Promise<void>;
  /** The gateway serves as it did before, and nothing of the change is left. */
  readonly isBack: (stage: ChangeStage, change: Change) => Promise<void>;
  /** Ends what `begin` set going. */
  readonly end?: (stage: ChangeStage) => Promise<void>;
};

/** Everything that must hold of a change, for each of its steps: it is done, or it is as if it had never been asked for. */
export function changeProofs(proved: ChangeUnderProof): Proof[] {
  const { operation, steps, isDone, isBack } = proved;
  const undoable = steps.filter((step) => operation.steps[step]?.undo);
  const each = (
    of: readonly string[],
    title: string,
    run: (step: string, stage: ChangeStage, change: Change) => Promise<void>,
  ): Proof[] =>
    of.map((step) => ({
      title: `${step}: ${title}`,
      run: () => onChangeStage(proved, (...rest) => run(step, ...rest)),
    }));
  const finishes = (['twice', 'lose the answer', 'both at once'] as const).flatMap((fault) =>
    each(steps, `${fault}, it is done all the same`, async (step, stage, change) => {
      assert.equal((await stage.run(change, at(step, 'do', fault))).outcome, 'done');
      await isDone(stage, change);
    }),
  );
  const goesBack = (['refuse before', 'refuse after', 'late'] as const).flatMap((fault) =>
    each(steps, `${fault}, it goes back, proved, and the error names it`, async (step, stage, change) => {
      const result = await stage.run(change, at(step, 'do', fault));
      assert.equal(result.outcome, 'undone');
      assert.match(result.reason, new RegExp(`^${step}: `));
      await result.runtime.outlast();
      await isBack(stage, change);
    }),
  );
  return [
    ...finishes,
    ...goesBack,
    ...each(undoable, 'undone twice is the same as once', async (step, stage, change) => {
      const last = steps.at(-1) ?? '';
      const plan: FaultPlan = (asked, doing, attempt) =>
        at(step, 'undo', 'twice')(asked, doing, attempt) ?? at(last, 'do', 'refuse after')(asked, doing, attempt);
      assert.equal((await stage.run(change, plan)).outcome, 'undone');
      await isBack(stage, change);
    }),
    ...each(undoable, 'its undo failing is loud, named, and ended by another way back', async (step, stage, change) => {
      const last = steps.at(-1) ?? '';
      const result = await stage.run(change, (asked, doing, attempt) =>
        asked === step && doing === 'undo' ? 'refuse before' : at(last, 'do', 'refuse after')(asked, doing, attempt),
      );
      assert.equal(result.outcome, 'left');
      assert.ok(result.left.some((left) => left.step === step));
      assert.ok(result.runtime.pages.some((title) => title.includes(`undo ${step}`)));
      assert.equal((await stage.wayBack(change, result)).outcome, 'done');
      await isBack(stage, change);
    }),
    ...each(steps, 'lost from here, the way back ends as before it began', async (step, stage, change) => {
      const until = steps.slice(0, steps.indexOf(step) + 1);
      const result = await stage.run(change, noFault, until);
      assert.equal(result.outcome, 'done');
      assert.equal((await stage.wayBack(change, result)).outcome, 'done');
      await isBack(stage, change);
    }),
    ...each(steps, 'removed from here, nothing is left', async (step, stage, change) => {
      await stage.run(change, noFault, steps.slice(0, steps.indexOf(step) + 1));
      await stage.remove();
      assert.deepEqual(stage.world.engine.leftovers(), []);
    }),
  ];
}

async function onChangeStage(
  proved: ChangeUnderProof,
  run: (stage: ChangeStage, change: Change) => Promise<void>,
): Promise<void> {
  return withChangeStage(proved, async (stage) => run(stage, await proved.begin(stage)));
}

/** Runs a test in a world of its own with one provisioned gateway. */
export async function withChangeStage(
  proved: ChangeUnderProof,
  run: (stage: ChangeStage) => Promise<void>,
): Promise<void> {
  const world = openTestWorld();
  try {
    const stage = new ChangeStage(world, proved);
    await stage.provision();
    await run(stage);
    await proved.end?.(stage);
  } finally {
    world.close();
  }
}
