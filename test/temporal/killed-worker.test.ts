import { describe, expect } from 'vitest';
import { provisionSteps, registry } from '../../src/workflows/operations.js';
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
});
