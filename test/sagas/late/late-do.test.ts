import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { evictSteps, rotateSteps } from '../../../src/workflows/rotate/operation.js';
import { limitSteps, reconfigureSteps } from '../../../src/workflows/reconfigure/operation.js';
import { provisionSteps } from '../../../src/workflows/provision/operation.js';
import { upgradeSteps } from '../../../src/workflows/replace/operation.js';
import { at } from '../proofs/faults.js';
import { isGone, noGateway, readyGateway, serves, stateOf, upgrade } from '../proofs/interrupted.js';
import type { Template, VirtualEntity, Wish } from '../proofs/virtual-entity.js';

/** Long enough for everything that is out to land. */
const longMs = 600_000;

let none: Template;
let ready: Template;
beforeAll(async () => {
  none = await noGateway();
  ready = await readyGateway();
});
afterAll(() => {
  none.close();
  ready.close();
});

const rotate: Wish = { kind: 'rotate', reclaim: false, evict: false };
const evict: Wish = { kind: 'rotate', reclaim: false, evict: true };
const takes: Wish = { kind: 'upgrade', release: '2026.9.8-takes', dev: true, retryFailed: false };
const rollback: Wish = { kind: 'rollback', readyMs: 60_000 };
const limits = (memoryMb: number): Wish => ({ kind: 'change', memoryMb, live: true });

const changes: readonly [string, readonly string[], Wish, Wish][] = [
  ['an upgrade, then a rollback', upgradeSteps, upgrade, rollback],
  ['an upgrade, then another', upgradeSteps, upgrade, takes],
  ['a rotation, then another', rotateSteps, rotate, rotate],
  ['a rotation that puts everybody out, then another', evictSteps, evict, rotate],
  ['other channels, then an upgrade', reconfigureSteps, { kind: 'change', channels: [] }, upgrade],
  ['other limits, then others', limitSteps, limits(4096), limits(2048)],
];
const afterChange = changes.flatMap(([name, steps, wish, next]) => steps.map((step) => ({ name, wish, step, next })));

describe('a step of a change that is done, whose first attempt was lost', () => {
  it.each(afterChange)('$name, $step: lands on nothing of the next one', ({ wish, step, next }) =>
    ready.on(async (entity) => {
      entity.ask(wish);
      await losing(entity, step);
      await staysSoAfter(entity, next);
    }),
  );

  it.each(afterChange)('$name, $step: a removal that comes at once leaves nothing', ({ wish, step }) =>
    ready.on(async (entity) => {
      entity.ask(wish);
      await losing(entity, step);
      entity.remove(true);
      await entity.drain();
      await entity.pass(longMs);
      await isGone(entity);
    }),
  );
});

const afterLife = provisionSteps.flatMap((step) => [
  { step, name: 'a rotation', next: rotate },
  { step, name: 'an upgrade', next: upgrade },
]);

describe('a step of a provision or a repair, whose first attempt was lost', () => {
  it.each(afterLife)('provision, $step: lands on nothing of $name', ({ step, next }) =>
    none.on(async (entity) => {
      entity.provision();
      await losing(entity, step);
      await staysSoAfter(entity, next);
    }),
  );

  it.each(afterLife)('repair, $step: lands on nothing of $name', ({ step, next }) =>
    ready.on(async (entity) => {
      entity.world.engine.crash(entity.names.container);
      entity.provision({ spec: entity.gateway.spec });
      await losing(entity, step);
      await staysSoAfter(entity, next);
    }),
  );
});

/** Runs what waits; of one step the first attempt gets lost, and the second does it. */
async function losing(entity: VirtualEntity, step: string): Promise<void> {
  const result = await entity.run(at(step, 'do', 'lost'));
  assert.equal(result?.outcome, 'done', result?.reason);
}

/** Whatever lands when the next change is done changes nothing. */
async function staysSoAfter(entity: VirtualEntity, next: Wish): Promise<void> {
  entity.ask(next);
  const result = await entity.run();
  assert.equal(result?.outcome, 'done', result?.reason);
  await serves(entity);
  const { engine } = entity.world;
  const held = engine.leftovers();
  const container = await engine.findContainer(entity.names.container);
  const { files } = stateOf(entity);
  await entity.pass(longMs);
  await serves(entity);
  assert.deepEqual(engine.leftovers(), held);
  assert.deepEqual(await engine.findContainer(entity.names.container), container);
  assert.deepEqual(stateOf(entity).files, files);
}
