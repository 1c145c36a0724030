import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/wire/limits.js';
import { EngineProxy } from '../ground/engines/engine-proxy.js';
import { foundSocket } from '../ground/found.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { RealGround } from '../ground/real-ground.js';

/** The worker reaches the engine through this and goes without when it closes; the engine itself is left alone. */
const proxy = new EngineProxy(foundSocket());
/** A removal waits until no lost attempt can take effect any more: here not for the forty seconds of a deployment. */
const soonSettled = { actMs: 20_000, settleMs: 1_000 };

let ground: RealGround;
let stage: Stage;

beforeAll(async () => {
  await proxy.open();
  process.env['TEST_ENGINE'] = proxy.socketPath;
  ground = new RealGround(await TestServer.start());
  stage = new Stage(ground, { ...defaultLimits, ...soonSettled });
  await ground.startWorker();
});

afterAll(async () => {
  await stage?.close();
  await ground?.close();
  await ground?.server.stop();
  await proxy.close();
}, 120_000);

/** What an activity that is under way said last, in its failure or its heartbeat; undefined when it is not under way. */
async function said(workflowId: string, activity: string): Promise<string | undefined> {
  const client = await stage.client();
  try {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    const pending = raw.pendingActivities?.find(({ activityType }) => activityType?.name === activity);
    if (!pending) return undefined;
    const beats = (pending.heartbeatDetails?.payloads ?? []).map(({ data }) =>
      Buffer.from(data ?? []).toString('utf8'),
    );
    return [pending.lastFailure?.message ?? '', ...beats].join(' ');
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function underWay(workflowId: string, activity: string): Promise<void> {
  await expect.poll(() => said(workflowId, activity), { timeout: 60_000, interval: 50 }).toBeDefined();
}

/** Takes the engine away from an activity that is under way, lets it go on, and gives the engine back once it was missed. */
async function takeEngineFrom(workflowId: string, activity: string): Promise<void> {
  await proxy.close();
  stage.letGo(activity);
  const missed = expect.stringContaining(`no Docker engine answers at ${proxy.socketPath}`);
  await expect.poll(() => said(workflowId, activity), { timeout: 60_000, interval: 50 }).toEqual(missed);
  await proxy.open();
}

describe('an engine that goes away and comes back', () => {
  it('while the container is started and while the gateway is awaited: it ends ready, one of each', async () => {
    stage.interfere('ensureContainer', 'hold before');
    const { birth, workflowId } = await stage.provision({ spec: { ...testSpec, cpus: 2 } });
    await stage.held('ensureContainer');
    await takeEngineFrom(workflowId, 'ensureContainer');
    await underWay(workflowId, 'probeReadiness');
    await takeEngineFrom(workflowId, 'probeReadiness');
    expect(await stage.settled(120_000)).toMatchObject({ phase: 'ready', skipped: [], left: [] });
    expect(await ground.leftovers()).toEqual(stage.expected(birth));
  });

  it('while the container is removed: nothing is left', async () => {
    stage.interfere('removeContainer', 'hold before');
    const { workflowId } = await stage.remove();
    await stage.held('removeContainer');
    await takeEngineFrom(workflowId, 'removeContainer');
    expect(await stage.settled(120_000)).toMatchObject({ phase: 'removed', left: [] });
    expect(await ground.leftovers()).toEqual([]);
  });
});
