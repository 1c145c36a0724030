import { afterAll, beforeAll, expect, it } from 'vitest';
import { defaultLimits } from '../../src/workflows/limits.js';
import { foundImage } from '../found.js';
import { TestServer } from '../temporal/server.js';
import { Stage } from '../temporal/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { RealGround } from './real-ground.js';

const release = '2026.6.11';
let ground: RealGround;

beforeAll(async () => {
  ground = new RealGround(await TestServer.start());
  await ground.startWorker();
});

afterAll(async () => {
  await ground?.close();
  await ground?.server.stop();
}, 120_000);

it(`release ${release}, which has no start-up endpoint, is provisioned to ready and removed`, async () => {
  const stage = new Stage(ground, defaultLimits);
  try {
    const { birth } = await stage.provision({ spec: { ...testSpec, cpus: 2, release } });
    const record = {
      version: release,
      imageId: foundImage(release),
      operatorScopes: expect.arrayContaining(['operator.admin']),
    };
    expect(await stage.settled(180_000)).toMatchObject({ phase: 'ready', skipped: [], left: [], record });
    expect(await ground.leftovers()).toEqual(stage.expected(birth));
    await stage.remove();
    expect(await stage.settled(120_000)).toMatchObject({ phase: 'removed', left: [] });
    expect(await ground.leftovers()).toEqual([]);
  } finally {
    await stage.close();
  }
});
