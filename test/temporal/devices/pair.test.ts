import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { isNotFound } from '../../../src/client/failure.js';
import { firstOf, heartbeatForm } from '../../../src/client/follow/payloads.js';
import type { PairRequest } from '../../../src/wire/change-requests.js';
import { gatewayWorkflowId } from '../../../src/wire/ids.js';
import { replyUpdate } from '../../../src/wire/messages.js';
import type { Accepted } from '../../../src/wire/requests.js';
import type { ParkAnswer } from '../../../src/wire/park.js';
import { denySteps, pairSteps, unpairSteps } from '../../../src/workflows/pair/operation.js';
import { registry } from '../../../src/workflows/operations.js';
import { DirectoryDevice } from '../../world/directory-device.js';
import { DirectoryGateway } from '../../world/directory-gateway.js';
import { testSpec } from '../../world/open-test-world.js';
import type { DirectoryStage } from '../../ground/directory-stage.js';
import { onKeptWorker, onSharedGround } from '../on-stage.js';

const place = { provider: 'local', host: 'local' } as const;
const asked = () => ({ requestId: randomBytes(8).toString('hex'), origin: 'test', place });

function pair(stage: DirectoryStage, deviceId: string, extra: Partial<PairRequest> = {}): Promise<Accepted> {
  const wish = { kind: 'pair', wanted: { deviceId }, role: 'operator', scopes: [], waitMs: 20_000 } as const;
  return stage.request({ ...asked(), ...wish, ...extra });
}

function deny(stage: DirectoryStage, deviceId: string): Promise<Accepted> {
  return stage.request({ ...asked(), kind: 'deny', deviceId });
}

function unpair(stage: DirectoryStage, deviceId: string): Promise<Accepted> {
  return stage.request({ ...asked(), kind: 'unpair', deviceId });
}

/** A ready gateway, its container, and a device of somebody's. */
async function ready(stage: DirectoryStage, parkMs = 0) {
  const { birth } = await stage.provision({ spec: { ...testSpec, parkMs } });
  await stage.settled();
  const { root } = stage.ground.world;
  const container = `oc-${stage.id}-${birth}`;
  const device = new DirectoryDevice(root);
  /** The devices that are let in, creel's own left out: it was there first. */
  const paired = () =>
    DirectoryGateway.within(root, container)
      .paired()
      .filter(({ scopes }) => !scopes.includes('operator.admin'))
      .map(({ deviceId }) => deviceId);
  return { birth, container, device, paired };
}

async function answer(stage: DirectoryStage, word: ParkAnswer): Promise<void> {
  const { park } = await stage.until(({ phase }) => phase === 'parked');
  const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
  await handle.executeUpdate(replyUpdate, { args: [{ park: park?.number ?? '', answer: word, origin: 'test' }] });
}

/** What the operation says it waits for, once it says something. */
async function waitsFor(stage: DirectoryStage, workflowId: string): Promise<string> {
  const client = await stage.client();
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(100)) {
    const found = await client.workflow.getHandle(workflowId).describe().catch(unlessNotFound);
    const said = firstOf(found?.raw.pendingActivities?.[0]?.heartbeatDetails, heartbeatForm)?.sentence ?? '';
    if (said !== '') return said;
  }
  throw new Error(`${workflowId} says nothing`);
}

/** An operation is accepted a moment before its run begins. */
function unlessNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

const doing = (steps: readonly string[]) => steps.map((step) => registry[step]?.do ?? '');

describe('a worker killed after the effect and before the report of', () => {
  const on = onKeptWorker();

  for (const activity of doing(pairSteps)) {
    on(`${activity}: the device is let in, once`, async (stage) => {
      stage.interfere(activity, 'crash after');
      const { container, device, paired } = await ready(stage);
      const coming = device.keepKnocking(container);
      await pair(stage, device.id);
      expect(await stage.settled()).toMatchObject({ phase: 'ready', approved: [device.id], last: { outcome: 'done' } });
      await coming;
      expect(paired()).toEqual([device.id]);
    });
  }

  on('removeApproval: no device is left paired', async (stage) => {
    stage.interfere('removeApproval', 'crash after');
    const { container, device, paired } = await ready(stage);
    device.knock(container);
    await pair(stage, device.id, { waitMs: 1_000 });
    expect(await stage.settled()).toMatchObject({ phase: 'ready', approved: [], last: { outcome: 'undone' } });
    expect(paired()).toEqual([]);
  });

  for (const activity of doing([...unpairSteps, ...denySteps])) {
    on(`${activity}: the device is out`, async (stage) => {
      stage.interfere(activity, 'crash after');
      const { container, device, paired } = await ready(stage);
      const coming = device.keepKnocking(container);
      await pair(stage, device.id);
      await coming;
      await stage.settled();
      await unpair(stage, device.id);
      await stage.settled();
      expect(device.knock(container)).toBe('asks');
      await deny(stage, device.id);
      expect(await stage.settled()).toMatchObject({ phase: 'ready', approved: [], last: { outcome: 'done' } });
      expect(paired()).toEqual([]);
    });
  }
});

describe('a pairing', () => {
  const on = onSharedGround();

  on('that is removed in the middle leaves nothing', async (stage) => {
    const { device, container } = await ready(stage);
    device.knock(container);
    stage.interfere('ensureApproval', 'hold after');
    await pair(stage, device.id);
    await stage.held('ensureApproval');
    await stage.remove();
    stage.letGo('ensureApproval');
    expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
    expect(stage.leftovers()).toEqual([]);
  });

  on('whose run is terminated is followed by its way back, and no device is left paired', async (stage) => {
    const { device, container, paired } = await ready(stage);
    device.knock(container);
    stage.interfere('probePaired', 'hold before');
    const { workflowId } = await pair(stage, device.id);
    await stage.held('probePaired');
    expect(paired()).toEqual([device.id]);
    await (await stage.client()).workflow.getHandle(workflowId).terminate('test');
    stage.letGo('probePaired');
    expect(await stage.settled()).toMatchObject({ phase: 'ready', last: { kind: 'way-back', outcome: 'done' } });
    expect(paired()).toEqual([]);
  });

  on('and an unpairing of the same device run one after the other', async (stage) => {
    const { device, container, paired } = await ready(stage);
    const coming = device.keepKnocking(container);
    const [first, second] = [await pair(stage, device.id), await unpair(stage, device.id)];
    expect([first.operation, second.operation]).toEqual([2, 3]);
    await coming;
    expect(await stage.settled()).toMatchObject({ approved: [], last: { kind: 'unpair', outcome: 'done' } });
    expect(paired()).toEqual([]);
    expect(await stage.overlappingOperations()).toEqual([]);
  });

  on('asked for twice by one request is one, and by two it is done twice', async (stage) => {
    const { device, container, paired } = await ready(stage);
    const coming = device.keepKnocking(container);
    const requestId = 'the-same';
    const [first, second] = await Promise.all([
      pair(stage, device.id, { requestId }),
      pair(stage, device.id, { requestId }),
    ]);
    expect(second.operation).toBe(first.operation);
    await pair(stage, device.id);
    await coming;
    expect(await stage.settled()).toMatchObject({ approved: [device.id], last: { operation: 3, outcome: 'done' } });
    expect(paired()).toEqual([device.id]);
  });

  on('of a device that asks for more parks, and goes on with allow as it was asked', async (stage) => {
    const { device, container } = await ready(stage, 600_000);
    const coming = device.keepKnocking(container, ['operator.admin']);
    await pair(stage, device.id);
    await answer(stage, 'allow');
    await coming;
    expect(await stage.settled()).toMatchObject({ approved: [device.id], last: { outcome: 'done' } });
  });

  on('of a device that asks for more comes to nothing with abort', async (stage) => {
    const { device, container, paired } = await ready(stage, 600_000);
    device.knock(container, undefined, ['operator.admin']);
    await pair(stage, device.id);
    await answer(stage, 'abort');
    expect(await stage.settled()).toMatchObject({ phase: 'ready', approved: [], last: { outcome: 'undone' } });
    expect(paired()).toEqual([]);
    expect(device.knock(container)).toBe('asks');
  });

  on('says what it waits for, and is refused when it is malformed', async (stage) => {
    const { device } = await ready(stage);
    await expect(pair(stage, 'Kitchen')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('64 hex') },
    });
    await expect(pair(stage, device.id, { wanted: {} })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('named by its id') },
    });
    await expect(pair(stage, device.id, { waitMs: 1 })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('between 1 second and 24 hours') },
    });
    const { workflowId } = await pair(stage, device.id);
    expect(await waitsFor(stage, workflowId)).toContain('has not asked gateway');
    await stage.remove();
    expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
    expect(stage.leftovers()).toEqual([]);
  });
});
