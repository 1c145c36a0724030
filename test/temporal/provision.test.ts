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
    'whose step was not yet to be done before it was refused is undone at once: an attempt that is over is not waited for',
    async (stage) => {
      stage.interfere('ensureContainer', 'stumble');
      const { workflowId } = await stage.provision();
      const { last } = await stage.until((found) => found.last !== undefined);
      expect(last).toMatchObject({
        outcome: 'undone',
        reason: expect.stringContaining('ensureContainer was made to fail'),
      });
      const { events } = await (await stage.client()).workflow.getHandle(workflowId).fetchHistory();
      const texts = (events ?? []).map((event) => event.userMetadata?.summary?.data?.toString() ?? '');
      expect(texts.join()).toContain('undo');
      expect(events?.filter((event) => event.timerFiredEventAttributes)).toEqual([]);
      expect(stage.leftovers()).toEqual([]);
    },
  );

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
