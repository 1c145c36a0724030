import { describe, expect } from 'vitest';
import { provisionSteps } from '../../src/workflows/provision/operation.js';
import { registry } from '../../src/workflows/operations.js';
import { testSpec } from '../world/open-test-world.js';
import { onKeptWorker } from './on-stage.js';

const activities = provisionSteps.map((step) => registry[step]?.do ?? '');
const undos = provisionSteps.flatMap((step) => registry[step]?.undo ?? []);

describe('a worker killed after the effect and before the report of', () => {
  const on = onKeptWorker();

  for (const activity of activities) {
    on(`${activity}: the gateway ends ready, once`, async (stage) => {
      stage.interfere(activity, 'crash after');
      const { birth } = await stage.provision();
      expect(await stage.settled()).toMatchObject({ phase: 'ready' });
      expect(stage.leftovers()).toEqual(stage.expected(birth));
    });
  }

  for (const activity of undos) {
    on(`${activity}: the gateway ends gone`, async (stage) => {
      stage.interfere(activity, 'crash after');
      await stage.provision();
      expect(await stage.settled()).toMatchObject({ phase: 'ready' });
      await stage.remove();
      expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
      expect(stage.leftovers()).toEqual([]);
    });
  }

  const keeping = { ...testSpec, keepStateMs: 3_600_000 };

  on('removeContainer: what is restored begins when no lost attempt can land in it, and says so', async (stage) => {
    stage.interfere('removeContainer', 'crash after');
    const { birth } = await stage.provision({ spec: keeping });
    await stage.settled();
    await stage.remove();
    await stage.settled();
    const { operation } = await stage.provision({ spec: keeping, how: 'restore' });
    const { held } = await stage.until(({ queue: [next] }) => next?.operation === operation);
    expect(held).toMatchObject({ why: 'a lost attempt of an earlier operation may still land' });
    const { last } = await stage.until((found) => found.last?.operation === operation);
    const handle = (await stage.client()).workflow.getHandle(last?.workflowId ?? '');
    expect((await handle.describe()).startTime.getTime()).toBeGreaterThanOrEqual(Date.parse(held?.until ?? ''));
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on('removeContainer: a removal of what is to be restored waits for nothing', async (stage) => {
    stage.interfere('removeContainer', 'crash after');
    await stage.provision({ spec: keeping });
    await stage.settled();
    await stage.remove();
    await stage.settled();
    await stage.provision({ spec: keeping, how: 'restore' });
    const { held } = await stage.until((found) => found.held !== undefined);
    const { workflowId } = await stage.remove({ purge: true });
    await stage.result(workflowId);
    const handle = (await stage.client()).workflow.getHandle(workflowId);
    expect((await handle.describe()).startTime.getTime()).toBeLessThan(Date.parse(held?.until ?? ''));
    expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
    expect(stage.leftovers()).toEqual([]);
  });
});
