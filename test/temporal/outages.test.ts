import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { provisionSteps } from '../../src/workflows/provision/operation.js';
import { registry } from '../../src/workflows/operations.js';
import { rotateSteps } from '../../src/workflows/rotate/operation.js';
import { DirectoryStage } from '../ground/directory-stage.js';
import type { DirectoryGround } from '../ground/directory-ground.js';
import type { Interference } from '../ground/interference.js';
import { onOwnGround, onOwnServer } from './on-stage.js';
import { shortLimits } from '../ground/stage.js';

const activities = provisionSteps.map((step) => registry[step]?.do ?? '');
const rotationSteps = rotateSteps.map((step) => registry[step]?.do ?? '');
const longest = Math.max(shortLimits.actMs, shortLimits.waitMs, shortLimits.fetchMs, shortLimits.heartbeatMs);

/** A gateway for each step of provision, every one of them in the middle of its own. */
class Everywhere {
  readonly #ground: DirectoryGround;
  readonly #stages: readonly (readonly [activity: string, stage: DirectoryStage])[];

  private constructor(ground: DirectoryGround) {
    this.#ground = ground;
    this.#stages = activities.map((activity) => [activity, new DirectoryStage(ground)]);
  }

  static async held({ ground }: DirectoryStage, interference: Interference): Promise<Everywhere> {
    const everywhere = new Everywhere(ground);
    await ground.startWorker();
    await Promise.all(
      everywhere.#stages.map(async ([activity, stage]) => {
        stage.interfere(activity, interference);
        await stage.provision();
        await stage.held(activity);
      }),
    );
    return everywhere;
  }

  letGo(): void {
    for (const [activity, stage] of this.#stages) stage.letGo(activity);
  }

  /** Every one of them ends ready, with one of each on the engine. */
  async endsReady(): Promise<void> {
    for (const [activity, stage] of this.#stages) {
      const { phase, reason, life } = await stage.settled();
      expect({ activity, phase, reason }).toEqual({ activity, phase: 'ready', reason: '' });
      expect(stage.leftovers(), activity).toEqual(stage.expected(life?.mark.birth ?? ''));
      await stage.close();
    }
    expect(this.#ground.world.engine.leftovers()).toHaveLength(3 * activities.length);
  }
}

describe('in the middle of every step of provision', () => {
  const on = onOwnServer();

  on('the Temporal server is killed and started again: the gateways end ready', async (stage) => {
    const everywhere = await Everywhere.held(stage, 'hold after');
    await stage.ground.server.kill();
    everywhere.letGo();
    await stage.ground.server.start();
    await everywhere.endsReady();
  });

  on('everything is stopped for longer than every limit, then started: the gateways end ready', async (stage) => {
    const everywhere = await Everywhere.held(stage, 'hold after');
    await stage.ground.server.kill();
    await stage.ground.killWorkers();
    everywhere.letGo();
    await sleep(longest + 1_000); // The limits are what is tested: they must all have passed.
    await stage.ground.server.start();
    await stage.ground.startWorker();
    await everywhere.endsReady();
  });

  on('every worker is gone for longer than every limit, then one is back: the gateways end ready', async (stage) => {
    const everywhere = await Everywhere.held(stage, 'hold after');
    await stage.ground.killWorkers();
    everywhere.letGo();
    await sleep(longest + 1_000); // The limits are what is tested: they must all have passed.
    await stage.ground.startWorker();
    await everywhere.endsReady();
  });

  on('the engine is gone and back: the gateways end ready', async (stage) => {
    const everywhere = await Everywhere.held(stage, 'hold before');
    stage.ground.world.engine.setDown(true);
    everywhere.letGo();
    await sleep(1_500); // Long enough for attempts to meet the absent engine.
    stage.ground.world.engine.setDown(false);
    await everywhere.endsReady();
  });
});

describe('in the middle of every step of a rotation', () => {
  const on = onOwnServer();

  on(
    'everything is stopped for longer than its deadline, then started: each is proved, and none went back',
    async (stage) => {
      const { ground } = stage;
      const rotationMs = longest + 14_000; // Room for a slow machine to finish them all at once.
      const stages = rotationSteps.map((activity) => ({ activity, each: new DirectoryStage(ground, { rotationMs }) }));
      await ground.startWorker();
      for (const { activity, each } of stages) {
        await each.provision();
        expect(await each.settled()).toMatchObject({ phase: 'ready' });
        each.interfere(activity, 'hold after');
      }
      await Promise.all(
        stages.map(async ({ activity, each }) => {
          await each.rotate();
          await each.held(activity);
        }),
      );
      await ground.server.kill();
      await ground.killWorkers();
      for (const { activity, each } of stages) each.letGo(activity);
      await sleep(rotationMs + 6_000); // The deadline is what is tested: it must have passed for everybody.
      await ground.server.start();
      await ground.startWorker();
      for (const { activity, each } of stages) {
        const { phase, reason, life } = await each.settled();
        const { tokenGeneration } = life ?? {};
        expect({ activity, phase, reason, tokenGeneration }).toEqual({
          activity,
          phase: 'ready',
          reason: '',
          tokenGeneration: 2,
        });
        await each.close();
      }
    },
  );
});

describe('an effect that lands after its undo', () => {
  const on = onOwnGround({ actMs: 12_000 });

  type Stop = (stage: DirectoryStage, workflowId: string) => Promise<unknown>;
  const removed: Stop = (stage) => stage.remove();
  const cancelled: Stop = async (stage, workflowId) => (await stage.client()).workflow.getHandle(workflowId).cancel();

  /** Lets a worker sleep in the middle of an attempt until the step was undone; how the attempt then ends. */
  async function land(stage: DirectoryStage, activity: string, stop: Stop, undo: string): Promise<string> {
    stage.interfere(activity, 'hold under way');
    await stage.ground.startWorker('workflows');
    for (const work of ['activities', 'activities'] as const) await stage.ground.startWorker(work);
    const { workflowId } = await stage.provision();
    const sleeper = await stage.held(activity);
    process.kill(sleeper, 'SIGSTOP');
    stage.letGo(activity);
    await stop(stage, workflowId);
    await stage.reported(workflowId, undo);
    process.kill(sleeper, 'SIGCONT');
    return stage.endIn(sleeper, activity);
  }

  for (const [activity, undo] of [
    ['ensureState', 'removeState'],
    ['ensureNetwork', 'removeNetwork'],
  ] as const) {
    for (const stop of [cancelled, removed]) {
      on(`${activity}, from a worker that slept through it, is cleaned up when it was ${stop.name}`, async (stage) => {
        expect(await land(stage, activity, stop, undo)).toBe('done');
        expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
        expect(stage.leftovers()).toEqual([]);
      });
    }
  }

  for (const activity of ['ensureConfig', 'ensureContainer']) {
    on(`${activity}, when what it stands on is gone too, does not land`, async (stage) => {
      expect(await land(stage, activity, removed, 'removeState')).not.toBe('done');
      expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
      expect(stage.leftovers()).toEqual([]);
    });
  }
});
