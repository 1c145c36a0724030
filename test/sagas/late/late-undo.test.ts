import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { limitSteps, reconfigureSteps } from '../../../src/workflows/reconfigure/operation.js';
import { registry } from '../../../src/workflows/operations.js';
import { rotateSteps } from '../../../src/workflows/rotate/operation.js';
import { upgradeSteps } from '../../../src/workflows/replace/operation.js';
import type { Activities } from '../../../src/activities/activities.js';
import { openWriter } from '../../../src/activities/parts/config/config.js';
import { DirectoryDevice } from '../../world/directory-device.js';
import { openTestWorld } from '../../world/open-test-world.js';
import { at, noFault } from '../proofs/faults.js';
import {
  isGone,
  keeping,
  provisioned,
  readyGateway,
  serves,
  stateOf,
  upgrade,
  upgradedGateway,
} from '../proofs/interrupted.js';
import { VirtualEntity, type Template, type Wish } from '../proofs/virtual-entity.js';
import type { Fault, Outside } from '../proofs/virtual-runtime.js';

/** Long enough for everything that is out to land. */
const longMs = 600_000;

let ready: Template;
let upgraded: Template;
beforeAll(async () => {
  ready = await readyGateway();
  upgraded = await upgradedGateway();
});
afterAll(() => {
  ready.close();
  upgraded.close();
});

const nextUpgrade: Wish = { kind: 'upgrade', release: '2026.9.8-takes', dev: true, retryFailed: false };
const undone = ['join network', 'write config', 'start container', 'make room', 'rehearse replacement'];

describe('an undo of a removal, whose first attempt was lost and lands in the life that is restored', () => {
  it.each(undone)('undo %s: the gateway goes on serving, and what it saved since stays', (step) =>
    upgraded.on(async (entity) => {
      entity.remove();
      await losing(entity, step, 'done');
      entity.provision({ how: 'restore', spec: entity.gateway.spec });
      await entity.drain();
      entity.ask(nextUpgrade);
      await entity.run();
      await staysSo(entity);
    }),
  );
});

const rotate: Wish = { kind: 'rotate', reclaim: false, evict: false };
const changes: readonly [string, readonly string[], Wish][] = [
  ['upgrade', upgradeSteps, upgrade],
  ['rotation', rotateSteps, rotate],
  ['change of channels', reconfigureSteps, { kind: 'change', channels: [] }],
  ['change of limits', limitSteps, { kind: 'change', memoryMb: 4096, live: true }],
];
const lost = changes.flatMap(([name, steps, wish]) =>
  steps.filter((step) => registry[step]?.undo).map((step) => ({ name, steps, wish, step })),
);

describe('an undo of a change that went back, whose first attempt was lost', () => {
  it.each(lost)('$name, undo $step: lands on nothing of the next one', ({ steps, wish, step }) =>
    ready.on(async (entity) => {
      entity.ask(wish);
      await losing(entity, step, 'undone', steps.at(-1));
      entity.ask(wish);
      const result = await entity.run();
      assert.equal(result?.outcome, 'done', result?.reason);
      await staysSo(entity);
    }),
  );

  it.each(lost)('$name, undo $step: a removal that comes at once leaves nothing', ({ steps, wish, step }) =>
    ready.on(async (entity) => {
      entity.ask(wish);
      await losing(entity, step, 'undone', steps.at(-1));
      entity.remove(true);
      await entity.drain();
      await entity.pass(longMs);
      await isGone(entity);
    }),
  );
});

describe('what an undo of a change has asked of the engine, and nobody heard the end of', () => {
  it('leaves nothing beside the state that a removal kept meanwhile', async () => {
    const world = openTestWorld();
    try {
      let calls = 0;
      const restoreToken: Activities['restoreToken'] = async (told) => {
        calls += 1;
        if (calls === 1) return world.activities.restoreToken(told);
        await openWriter(world.deps, told); // All that the lost attempt had begun.
        return '';
      };
      const entity = new VirtualEntity({ ...world, activities: { ...world.activities, restoreToken } });
      await provisioned(entity, keeping);
      entity.ask(rotate);
      await losing(entity, 'apply token', 'undone', rotateSteps.at(-1));
      entity.remove();
      await entity.drain();
      await entity.pass(longMs);
      assert.equal(calls, 2);
      assert.deepEqual(world.engine.leftovers(), [`volume ${entity.names.volume}`]);
    } finally {
      world.close();
    }
  });
});

describe('a device that is let in after a pairing went back', () => {
  it('stays, though an undo of that pairing was lost', () =>
    ready.on(async (entity) => {
      const phone = new DirectoryDevice(entity.world.root, { displayName: 'Phone' });
      const wish: Wish = {
        kind: 'pair',
        wanted: { deviceId: phone.id },
        role: 'operator',
        scopes: [],
        waitMs: 120_000,
      };
      phone.knock(entity.names.container);
      entity.ask(wish);
      await losing(entity, 'approve device', 'undone', 'await device', 'refuse before');
      phone.knock(entity.names.container);
      entity.ask(wish);
      const at: Outside['at'] = ({ step, doing, moment }) => {
        if (step === 'await device' && doing === 'do' && moment === 0) phone.knock(entity.names.container);
        return undefined;
      };
      const result = await entity.run(noFault, { at });
      assert.equal(result?.outcome, 'done', result?.reason);
      const { devices } = stateOf(entity);
      assert.ok(devices[`devices/${phone.id}.json`]);
      await staysSo(entity);
      assert.deepEqual(stateOf(entity).devices, devices);
    }));
});

/** Runs what waits; of one undo the first attempt gets lost, and the second does it. */
async function losing(
  entity: VirtualEntity,
  step: string,
  outcome: string,
  failing = '',
  fault: Fault = 'refuse after',
): Promise<void> {
  const lose = at(step, 'undo', 'lost');
  const fail = at(failing, 'do', fault);
  const result = await entity.run((...asked) => lose(...asked) ?? fail(...asked));
  assert.equal(result?.outcome, outcome, result?.reason);
  const attempts = entity.runs.at(-1)?.runtime.undoAttempts.filter((each) => each.step === step) ?? [];
  assert.ok(
    attempts.some(({ attempt }) => attempt > 1),
    `${step} was undone twice`,
  );
}

/** Whatever lands from now on changes nothing. */
async function staysSo(entity: VirtualEntity): Promise<void> {
  await serves(entity);
  const held = entity.world.engine.leftovers();
  const before = stateOf(entity);
  await entity.pass(longMs);
  await serves(entity);
  assert.deepEqual(entity.world.engine.leftovers(), held);
  assert.deepEqual(stateOf(entity).files, before.files);
}
