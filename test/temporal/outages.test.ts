import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { provisionSteps, registry } from '../../src/workflows/steps.js';
import { onOwnGround, onOwnServer } from './on-stage.js';
import { shortLimits } from './stage.js';

const activities = provisionSteps.map((step) => registry[step]?.do ?? '');
const longest = Math.max(shortLimits.actMs, shortLimits.waitMs, shortLimits.fetchMs, shortLimits.heartbeatMs);

describe('the Temporal server killed during', () => {
  const on = onOwnServer();

  for (const activity of activities) {
    on(`${activity} and started again: the gateway ends ready`, async (stage) => {
      stage.interfere(activity, 'hold after');
      await stage.ground.startWorker();
      const { birth } = await stage.provision();
      await stage.held(activity);
      await stage.ground.server.kill();
      stage.letGo(activity);
      await stage.ground.server.start();
      expect(await stage.settled()).toMatchObject({ phase: 'ready' });
      expect(stage.leftovers()).toEqual(stage.expected(birth));
    });
  }
});

describe('everything stopped for longer than every limit during', () => {
  const on = onOwnServer();

  for (const activity of activities) {
    on(`${activity}, then started: the gateway ends ready`, async (stage) => {
      stage.interfere(activity, 'hold after');
      await stage.ground.startWorker();
      const { birth } = await stage.provision();
      await stage.held(activity);
      await stage.ground.server.kill();
      await stage.ground.killWorkers();
      stage.letGo(activity);
      await sleep(longest + 1_000); // The limits are what is tested: they must all have passed.
      await stage.ground.server.start();
      await stage.ground.startWorker();
      expect(await stage.settled()).toMatchObject({ phase: 'ready' });
      expect(stage.leftovers()).toEqual(stage.expected(birth));
    });
  }
});

describe('every worker gone for longer than every limit during', () => {
  const on = onOwnGround();

  for (const activity of activities) {
    on(`${activity}, then one is back: the gateway ends ready`, async (stage) => {
      stage.interfere(activity, 'hold after');
      await stage.ground.startWorker();
      const { birth } = await stage.provision();
      await stage.held(activity);
      await stage.ground.killWorkers();
      stage.letGo(activity);
      await sleep(longest + 1_000); // The limits are what is tested: they must all have passed.
      await stage.ground.startWorker();
      expect(await stage.settled()).toMatchObject({ phase: 'ready' });
      expect(stage.leftovers()).toEqual(stage.expected(birth));
    });
  }
});

describe('the engine gone and back during', () => {
  const on = onOwnGround();

  for (const activity of activities) {
    on(`${activity}: the gateway ends ready`, async (stage) => {
      stage.interfere(activity, 'hold before');
      await stage.ground.startWorker();
      const { birth } = await stage.provision();
      await stage.held(activity);
      stage.ground.world.engine.setDown(true);
      stage.letGo(activity);
      await sleep(1_500); // Long enough for attempts to meet the absent engine.
      stage.ground.world.engine.setDown(false);
      expect(await stage.settled()).toMatchObject({ phase: 'ready' });
      expect(stage.leftovers()).toEqual(stage.expected(birth));
    });
  }
});

describe('an effect that lands after its undo', () => {
  const on = onOwnGround({ actMs: 12_000 });

  for (const activity of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer']) {
    on(`${activity}, from a worker that slept through it, is cleaned up`, async (stage) => {
      stage.interfere(activity, 'hold before');
      const sleeper = await stage.ground.startWorker('activities');
      await stage.ground.startWorker('workflows');
      await stage.provision();
      await stage.held(activity);
      sleeper.kill('SIGSTOP');
      stage.letGo(activity);
      await stage.remove();
      await stage.ground.startWorker('activities');
      await stage.until(() => stage.leftovers().length === 0);
      sleeper.kill('SIGCONT');
      expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
      expect(stage.leftovers()).toEqual([]);
    });
  }
});
