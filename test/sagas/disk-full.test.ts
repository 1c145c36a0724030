import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepsOfChange } from '../../src/workflows/operations.js';
import { provisionSteps } from '../../src/workflows/provision/operation.js';
import { testSpec } from '../world/open-test-world.js';
import { isBack, isGone, keeping, noGateway, readyGateway, serves, stateOf, upgrade } from './proofs/interrupted.js';
import type { Template, VirtualEntity } from './proofs/virtual-entity.js';
import type { Outside } from './proofs/virtual-runtime.js';

/** The disk under the engine is full from the first moment of a step on. */
function fullFrom(entity: VirtualEntity, step: string): Outside {
  return {
    at: ({ step: now, doing, moment }) => {
      if (now === step && doing === 'do' && moment === 0) entity.engine.setNoRoom(true);
      return undefined;
    },
  };
}

let none: Template;
let ready: Template;
beforeAll(async () => {
  [none, ready] = await Promise.all([noGateway(), readyGateway()]);
});
afterAll(() => [none, ready].forEach((template) => template.close()));

describe('the disk under the engine is full from', () => {
  it.each(provisionSteps)('%s of a provision on: ready, or nothing is left; with room the next one is ready', (step) =>
    none.on(async (entity) => {
      entity.provision({ spec: keeping });
      const result = await entity.run(undefined, fullFrom(entity, step));
      if (result?.outcome === 'undone') {
        expect(result.reason).toMatch(/no room on its host \(no space left on device\)/);
        await isGone(entity);
        entity.engine.setNoRoom(false);
        entity.provision({ spec: keeping, birth: 'birth3' });
        await entity.drain();
      } else expect(result?.outcome).toBe('done');
      await serves(entity);
    }),
  );

  const steps = stepsOfChange({ kind: 'upgrade', number: 1, to: testSpec, save: 'a', readyMs: 60_000 });
  it.each(steps)('%s of an upgrade on: it is done, or with room a repair brings back what was, whole', (step) =>
    ready.on(async (entity) => {
      const before = stateOf(entity);
      entity.ask(upgrade);
      const result = await entity.run(undefined, fullFrom(entity, step));
      entity.engine.setNoRoom(false);
      if (result?.outcome === 'done') return serves(entity);
      if (entity.state.phase !== 'ready') entity.provision({ spec: entity.gateway.spec });
      await isBack(entity, before);
    }),
  );
});
