import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepsOfChange } from '../../src/workflows/operations.js';
import { stepsFor } from '../../src/workflows/provision/operation.js';
import { openTestWorld } from '../world/open-test-world.js';
import { at, everyAttempt } from './proofs/faults.js';
import {
  Interrupted,
  isBack,
  isGone,
  isKeptWhole,
  keeping,
  noGateway,
  placesOf,
  readyGateway,
  upgrade,
} from './proofs/interrupted.js';
import { testMachine } from './proofs/machine-ground.js';
import { VirtualEntity, type Template } from './proofs/virtual-entity.js';

const spec = { ...keeping, memoryMb: 1_536, machine: testMachine };
const steps = stepsFor(spec);

/** The steps of the machine, and the first and the last on it. */
const machineSteps = steps.slice(0, steps.indexOf('check host') + 1);
const replacement = { kind: 'upgrade', number: 1, to: spec, save: 'a', readyMs: 60_000 } as const;
const changeSteps = stepsOfChange(replacement);

let none: Template;
let ready: Template;

beforeAll(async () => {
  [none, ready] = await Promise.all([noGateway(), readyGateway(spec)]);
});
afterAll(() => [none, ready].forEach((template) => template.close()));

describe('at every moment of a provision with a machine of its own, in', () => {
  let interrupted: Interrupted;
  beforeAll(() => {
    interrupted = new Interrupted(none, { steps, ask: (entity) => entity.provision({ spec }) });
  });
  const places = placesOf(steps).filter(({ step, doing }) => doing === 'do' || step === 'create machine');

  describe.each(places)('the $doing of $step (K-1)', (place) => {
    for (const comes of ['remove', 'terminate', 'cancel'] as const)
      it(`${comes}: nothing is left, and nothing on the bill`, async () => {
        expect(await interrupted.everywhere(place, comes, isGone, true)).toBeGreaterThan(0);
      });
  });
});

describe('at every moment of a repair of a gateway with a machine of its own, in', () => {
  let interrupted: Interrupted;
  beforeAll(() => {
    interrupted = new Interrupted(ready, { steps, ask: (entity) => entity.provision({ spec }) });
  });

  describe.each(machineSteps)('the do of %s (K-1)', (step) => {
    const place = { step, doing: 'do' } as const;
    for (const comes of ['terminate', 'cancel'] as const)
      it(`${comes}: it serves as before, on its own machine, once it is repaired`, async () => {
        const serves = async (entity: VirtualEntity, before: Parameters<typeof isBack>[1]) => {
          await entity.drain();
          entity.provision({ spec });
          await isBack(entity, before);
        };
        expect(await interrupted.everywhere(place, comes, serves)).toBeGreaterThan(0);
      });

    it('removed with its state kept: its machine is kept, and it comes back on it', async () => {
      expect(await interrupted.everywhere(place, 'remove', isKeptWhole)).toBeGreaterThan(0);
    });

    it('removed with its state: nothing is left, and nothing on the bill', async () => {
      expect(await interrupted.everywhere(place, 'remove', isGone, true)).toBeGreaterThan(0);
    });
  });
});

describe('at every moment of an upgrade of a gateway with a machine of its own, in', () => {
  let interrupted: Interrupted;
  beforeAll(() => {
    interrupted = new Interrupted(ready, { steps: changeSteps, ask: (entity) => entity.ask(upgrade) });
  });

  describe.each(placesOf(changeSteps))('the $doing of $step (K-1)', (place) => {
    it('removed with its state: nothing is left, and nothing on the bill', async () => {
      expect(await interrupted.everywhere(place, 'remove', isGone, true)).toBeGreaterThan(0);
    });

    for (const comes of ['terminate', 'cancel'] as const)
      it(`${comes}: it serves as before, on its own machine`, async () => {
        expect(await interrupted.everywhere(place, comes, isBack)).toBeGreaterThan(0);
      });
  });
});

describe('at every moment of a removal of a gateway with a machine of its own, in', () => {
  for (const purge of [true, false])
    it(`the undo of ${purge ? 'its machine' : 'what stands on it'}, terminated: asked again, it comes to its end (K-1)`, async () => {
      const undone = purge ? ['create machine'] : ['start container', 'write config', 'join network'];
      const removal = new Interrupted(ready, { steps, ask: (entity) => entity.remove(purge) });
      for (const step of undone) {
        const met = await removal.everywhere(
          { step, doing: 'undo' },
          'terminate',
          async (entity, before) => {
            await entity.drain();
            if (entity.state.phase !== 'removed' || entity.state.life?.left.length !== 0) entity.remove(purge);
            await (purge ? isGone(entity) : isKeptWhole(entity, before));
          },
          purge,
        );
        expect(met).toBeGreaterThan(0);
      }
    });
});

describe('a machine of its own that could not be let go', () => {
  const stuck = at('create machine', 'undo', 'refuse before', everyAttempt);
  const refused = at('await readiness', 'do', 'refuse before');

  it.each([spec, { ...spec, keepStateMs: 0 }])(
    'when its provision failed is named, stays on the bill, and goes with the removal that is asked for (K-1)',
    async (asked) => {
      const world = openTestWorld();
      try {
        const entity = new VirtualEntity(world);
        entity.provision({ spec: asked });
        const result = await entity.run((...told) => stuck(...told) ?? refused(...told));
        assert.equal(result?.outcome, 'left');
        assert.deepEqual(
          result.left.map(({ step }) => step),
          ['create machine'],
        );
        assert.equal(entity.leftovers().filter((line) => line.startsWith('machine')).length, 1);
        entity.remove();
        await isGone(entity);
      } finally {
        world.close();
      }
    },
  );

  it('when it was removed is named, and goes when it is asked for once more (K-1)', () =>
    ready.on(async (entity) => {
      entity.remove(true);
      assert.equal((await entity.run(stuck))?.outcome, 'left');
      entity.remove();
      await isGone(entity);
    }));
});
