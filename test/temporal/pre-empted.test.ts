import { describe, expect } from 'vitest';
import { gatewayWorkflowId } from '../../src/wire/ids.js';
import { provisionSteps } from '../../src/workflows/provision/operation.js';
import { registry } from '../../src/workflows/operations.js';
import { onSharedGround } from './on-stage.js';
import type { DirectoryStage } from '../ground/directory-stage.js';

const activities = provisionSteps.map((step) => registry[step]?.do ?? '');

/** Provisions, and stops the world in the middle of an activity, its effect done and not reported. */
async function inTheMiddleOf(stage: DirectoryStage, activity: string) {
  stage.interfere(activity, 'hold after');
  const accepted = await stage.provision();
  await stage.held(activity);
  return accepted;
}

describe('in the middle of', () => {
  const on = onSharedGround();

  for (const activity of activities) {
    on(`${activity}, a removal leaves nothing`, async (stage) => {
      await inTheMiddleOf(stage, activity);
      await stage.remove();
      stage.letGo(activity);
      expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
      expect(stage.leftovers()).toEqual([]);
    });

    on(`${activity}, a cancel of the gateway undoes the operation and nothing else`, async (stage) => {
      const { workflowId } = await inTheMiddleOf(stage, activity);
      await (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id)).cancel();
      await stage.cancelRequested(workflowId);
      stage.letGo(activity);
      expect(await stage.settled()).toMatchObject({ phase: 'removed', last: { outcome: 'undone' } });
      expect(stage.leftovers()).toEqual([]);
      const { birth } = await stage.provision();
      expect(await stage.settled()).toMatchObject({ phase: 'ready', last: { reason: '' } });
      expect(stage.leftovers()).toEqual(stage.expected(birth));
    });

    on(`${activity}, a Terminate of the operation is followed by its undoing`, async (stage) => {
      const { workflowId } = await inTheMiddleOf(stage, activity);
      await (await stage.client()).workflow.getHandle(workflowId).terminate('by hand');
      stage.letGo(activity);
      expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
      expect(stage.leftovers()).toEqual([]);
    });

    on(`${activity}, a Terminate of the gateway leaves nothing, and its id is free`, async (stage) => {
      const { workflowId } = await inTheMiddleOf(stage, activity);
      await (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id)).terminate('by hand');
      await stage.cancelRequested(workflowId);
      stage.letGo(activity);
      const { birth } = await stage.provision();
      expect(await stage.settled()).toMatchObject({ phase: 'ready', last: { reason: '' } });
      expect(stage.leftovers()).toEqual(stage.expected(birth));
    });

    on(`${activity}, continue-as-new changes nothing`, async (stage) => {
      const { birth } = await inTheMiddleOf(stage, activity);
      await stage.continueAsNew();
      stage.letGo(activity);
      expect(await stage.settled()).toMatchObject({ phase: 'ready', last: { reason: '' } });
      expect(stage.leftovers()).toEqual(stage.expected(birth));
      await stage.renewed();
      expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { mark: { birth } } });
    });
  }
});

describe('while an operation of an earlier life still unwinds', () => {
  const on = onSharedGround();

  on('the next one waits, and a removal of it leaves nothing', async (stage) => {
    await inTheMiddleOf(stage, 'ensureNetwork');
    await (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id)).terminate('by hand');
    await stage.provision();
    await stage.until(({ phase }) => phase === 'provisioning');
    await stage.remove();
    stage.letGo('ensureNetwork');
    expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
    expect(stage.leftovers()).toEqual([]);
    expect(await stage.overlappingOperations()).toEqual([]);
  });
});
