import * as fc from 'fast-check';
import { describe, expect } from 'vitest';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { fleetWordUpdate } from '../../src/workflows/fleet-requests.js';
import { fleetWorkflowId, gatewayWorkflowId } from '../../src/workflows/ids.js';
import {
  handedOverSignal,
  replyUpdate,
  requestUpdate,
  standingQuery,
  withdrawUpdate,
  type Request,
} from '../../src/workflows/requests.js';
import { testSpec } from '../world/open-test-world.js';
import type { DirectoryStage } from './directory-stage.js';
import { onSharedGround } from './on-stage.js';

const place = { provider: 'local', host: 'local' };
const good = { kind: 'provision', requestId: 'r', origin: 'test', spec: testSpec, place, birth: 'abc234', how: 'new' };

/** A good request with one part of it replaced by anything, or anything at all. */
const malformed = fc.oneof(
  fc.anything(),
  fc.tuple(fc.constantFrom(...Object.keys(good)), fc.jsonValue()).map(([key, value]) => ({ ...good, [key]: value })),
  fc
    .tuple(fc.constantFrom(...Object.keys(testSpec)), fc.jsonValue())
    .map(([key, value]) => ({ ...good, spec: { ...testSpec, [key]: value } })),
);

async function send(stage: DirectoryStage, request: unknown): Promise<void> {
  const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
  await handle.executeUpdate(requestUpdate, { args: [request as Request] }).catch(() => undefined); // Refused, or harmless.
}

describe('whatever another client sends', () => {
  const on = onSharedGround();

  on('a gateway answers, goes on, and nothing else comes to exist', async (stage) => {
    const { birth } = await stage.provision();
    await stage.settled();
    await fc.assert(
      fc.asyncProperty(malformed, async (request) => {
        if ((request as { kind?: unknown } | null)?.kind === 'remove') return;
        await send(stage, JSON.parse(JSON.stringify(request ?? null)));
      }),
      { numRuns: 150 },
    );
    const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
    await expect(handle.executeUpdate(replyUpdate, { args: [null as never] })).rejects.toThrow();
    await expect(handle.executeUpdate(withdrawUpdate, { args: [null as never] })).rejects.toThrow();
    await handle.signal(handedOverSignal, { generation: 'all' } as never);
    expect(await handle.query(standingQuery, null as never)).toBeFalsy();
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { mark: { birth } } });
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on('a start without a request takes its first request', async (stage) => {
    const client = await stage.client();
    const startWorkflowOperation = new WithStartWorkflowOperation('gateway', {
      workflowId: gatewayWorkflowId(stage.id),
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: stage.ground.queue,
      args: [{ layout: 1, deployment: stage.ground.deployment, gateway: stage.id, limits: stage.limits }],
    });
    await client.workflow.executeUpdateWithStart(requestUpdate, { args: [good as Request], startWorkflowOperation });
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
  });

  on(
    'a run over the fleet without a plan is refused before anybody is asked, and takes no word that is none',
    async (stage) => {
      const client = await stage.client();
      const start = { layout: 1, run: stage.id, origin: 'test', plan: { window: 'all' }, limits: stage.limits };
      const handle = await client.workflow.start('rotateFleet', {
        workflowId: fleetWorkflowId(stage.id),
        taskQueue: stage.ground.queue,
        args: [start],
      });
      await expect(handle.executeUpdate(fleetWordUpdate, { args: [null as never] })).rejects.toThrow();
      await expect(handle.result()).rejects.toMatchObject({
        cause: { type: 'Refused', message: expect.stringContaining('window') },
      });
    },
  );

  on('a start of another layout is refused, and nothing begins', async (stage) => {
    const client = await stage.client();
    const start = {
      layout: 2,
      deployment: stage.ground.deployment,
      gateway: stage.id,
      limits: stage.limits,
      request: good,
    };
    const handle = await client.workflow.start('gateway', {
      workflowId: gatewayWorkflowId(stage.id),
      taskQueue: stage.ground.queue,
      args: [start],
    });
    await handle.result();
    expect(stage.leftovers()).toEqual([]);
  });
});
