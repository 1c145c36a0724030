import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/wire/limits.js';
import { provisionSteps } from '../../src/workflows/provision/operation.js';
import { registry } from '../../src/workflows/operations.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { RealGround } from '../ground/real-ground.js';

let ground: RealGround;
beforeAll(async () => {
  ground = new RealGround(await TestServer.start());
});
afterAll(async () => {
  await ground.close();
  await ground.server.stop();
});

describe('a real gateway', () => {
  it('S0-1, S2-31: is ready, which is usable, though the worker was killed after every one of its steps, and gone though it was killed after every undo', async () => {
    const stage = new Stage(ground, { ...defaultLimits, heartbeatMs: 1_500 });
    for (const step of provisionSteps) {
      const { do: act, undo } = registry[step] ?? {};
      for (const activity of [act, undo]) if (activity) stage.interfere(activity, 'crash after');
    }
    await ground.keepWorker();
    const { birth } = await stage.provision();
    expect(await stage.settled(240_000)).toMatchObject({
      phase: 'ready',
      record: { version: '2026.9.6', operatorScopes: ['operator.admin'] },
    });
    expect(await ground.leftovers()).toEqual(stage.expected(birth));
    await stage.remove();
    expect(await stage.settled(120_000)).toMatchObject({ phase: 'removed', left: [] });
    expect(await ground.leftovers()).toEqual([]);
    stage.demandCrashes();
    await stage.close();
  });
});
