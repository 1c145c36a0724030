import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/wire/limits.js';
import { BoughtMachines } from '../ground/bought-machines.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';

const [older, newer] = ['2026.6.11', '2026.9.6'];
const region = 'eu-central-1';
/** A removal waits until no lost attempt can take effect any more: here not for the forty seconds of a deployment. */
const soonSettled = { actMs: 20_000, settleMs: 1_000 };
const { fence: _fence, ...fenced } = testSpec;
const spec = {
  ...fenced,
  release: older,
  memoryMb: 1_536,
  machine: { provider: 'lightsail', region, address: 'static' },
} as const;

let bought: BoughtMachines;
let stage: Stage;

beforeAll(async () => {
  bought = await BoughtMachines.open('own-machine', [older, newer]);
  stage = new Stage(bought.ground, { ...defaultLimits, ...soonSettled });
  await bought.ground.startWorker();
}, 900_000);

afterAll(async () => {
  await stage?.close();
  await bought?.close();
}, 120_000);

describe('a real gateway on a machine of its own (K-1)', () => {
  it('is ready on a machine that was bought for it, reached over SSH alone', async () => {
    await stage.provision({ spec });
    const found = await stage.settled(420_000);
    expect(found).toMatchObject({
      phase: 'ready',
      left: [],
      record: { version: older, operatorScopes: expect.arrayContaining(['operator.admin']) },
      life: { place: { provider: 'lightsail', region } },
    });
    expect(found.life?.place.engine).toBeDefined();
    expect(await bought.ground.leftovers()).toEqual([]);
    expect(await bought.body.list()).toHaveLength(1);
  });

  it('gets another token', async () => {
    await stage.rotate();
    expect(await stage.settled(240_000)).toMatchObject({ phase: 'ready', life: { tokenGeneration: 2 } });
  });

  it('becomes the next release, whose image is brought from the engine beside the worker', async () => {
    const asked = { kind: 'upgrade', release: newer, dev: true, retryFailed: false } as const;
    await stage.request({ ...asked, requestId: 'upgrade', origin: 'test' });
    expect(await stage.settled(420_000)).toMatchObject({ phase: 'ready', record: { version: newer } });
  });

  it('is removed with its machine, and nothing costs', async () => {
    await stage.remove();
    expect(await stage.settled(240_000)).toMatchObject({ phase: 'removed', left: [] });
    expect(await bought.body.list()).toEqual([]);
    expect(await bought.standIn.costing()).toEqual([]);
  });
});
