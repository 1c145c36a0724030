import { describe, expect } from 'vitest';
import { onStage } from './on-stage.js';

describe('a gateway on a real Temporal server', () => {
  const on = onStage();

  on('is provisioned and removed without a trace', async (stage) => {
    await stage.startWorker();
    const { birth } = await stage.provision();
    expect(await stage.settled()).toMatchObject({ phase: 'ready', reason: '' });
    expect(stage.world.engine.leftovers()).toEqual(stage.expected(birth));
    await stage.remove();
    expect(await stage.settled()).toMatchObject({ phase: 'removed' });
    expect(stage.world.engine.leftovers()).toEqual([]);
  });
});
