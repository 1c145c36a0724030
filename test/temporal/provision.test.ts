import { describe, expect } from 'vitest';
import { onSharedGround } from './on-stage.js';

describe('a gateway on a real Temporal server', () => {
  const on = onSharedGround();

  on('is provisioned and removed without a trace', async (stage) => {
    const { birth } = await stage.provision();
    expect(await stage.settled()).toMatchObject({ phase: 'ready', reason: '' });
    expect(stage.leftovers()).toEqual(stage.expected(birth));
    await stage.remove();
    expect(await stage.settled()).toMatchObject({ phase: 'removed' });
    expect(stage.leftovers()).toEqual([]);
  });
});
