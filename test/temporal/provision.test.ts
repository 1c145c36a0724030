import { describe, expect } from 'vitest';
import { gatewayWorkflowId } from '../../src/wire/ids.js';
import { historyCost } from '../ground/history-cost.js';
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

  on(
    'costs at most 85 events and 20 KB for its first operation, 31 events for itself, and 25 actions for both',
    async (stage) => {
      const { workflowId } = await stage.provision();
      expect(await stage.settled()).toMatchObject({ phase: 'ready' });
      const client = await stage.client();
      const operation = await historyCost(client, workflowId);
      const gateway = await historyCost(client, gatewayWorkflowId(stage.id));
      expect(operation.events).toBeGreaterThan(40);
      expect(operation.events).toBeLessThanOrEqual(85);
      expect(operation.bytes).toBeLessThanOrEqual(20 * 1024);
      expect(gateway.events).toBeLessThanOrEqual(31);
      expect(gateway.actions).toBeGreaterThan(2);
      expect(operation.actions + gateway.actions).toBeLessThanOrEqual(25);
    },
  );
});
