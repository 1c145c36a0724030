import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { replacementNames } from '../../src/domain/changes/replacement.js';
import { DirectoryDevice } from '../world/directory-device.js';
import { at } from './proofs/faults.js';
import { keeping, readyGateway } from './proofs/interrupted.js';
import type { VirtualEntity } from './proofs/virtual-entity.js';
import type { FaultPlan } from './proofs/virtual-runtime.js';

const isPaired = (entity: VirtualEntity, { id }: DirectoryDevice) =>
  fs.existsSync(path.join(entity.world.root, 'files', entity.names.volume, 'devices', `${id}.json`));

const unable =
  (step: string): FaultPlan =>
  (asked, doing) =>
    asked === step && doing === 'undo' ? 'refuse before' : undefined;

const leftOf = ({ state }: VirtualEntity) => [state.phase, state.life?.left.map(({ step }) => step)];

/** A pairing came to nothing, and its undo could not take back whom it had let in. */
async function onLetIn(run: (entity: VirtualEntity, phone: DirectoryDevice) => Promise<void>): Promise<void> {
  const ready = await readyGateway();
  try {
    await ready.on(async (entity) => {
      const phone = knocking(entity, 'Stranger');
      entity.ask(pairing(phone));
      const plan: FaultPlan = (step, doing) =>
        step === 'await device' && doing === 'do' ? 'refuse before' : unable('approve device')(step, doing, 1);
      const result = await entity.run(plan);
      assert.equal(result?.outcome, 'left', result?.reason);
      assert.ok(isPaired(entity, phone));
      assert.deepEqual(leftOf(entity), ['degraded', ['approve device']]);
      await run(entity, phone);
    });
  } finally {
    ready.close();
  }
}

function knocking(entity: VirtualEntity, displayName: string): DirectoryDevice {
  const device = new DirectoryDevice(entity.world.root, { displayName });
  device.knock(entity.names.container);
  return device;
}

const pairing = ({ id }: DirectoryDevice, waitMs = 5_000) =>
  ({ kind: 'pair', wanted: { deviceId: id }, role: 'operator', scopes: [], waitMs }) as const;

/** Other limits were proved and had to be taken back, and the gateway held too much for that. */
async function onGrown(run: (entity: VirtualEntity) => Promise<void>): Promise<void> {
  const ready = await readyGateway();
  try {
    await ready.on(async (entity) => {
      entity.ask({ kind: 'change', memoryMb: 4096, live: true });
      const fault = at('read reconfigured', 'do', 'refuse after');
      const result = await entity.run((step, doing, attempt) => {
        if (step === 'read reconfigured') entity.world.engine.hold(entity.names.container, 3_000);
        return fault(step, doing, attempt);
      });
      assert.equal(result?.outcome, 'left', result?.reason);
      assert.equal(await limitOf(entity), 4096);
      await run(entity);
    });
  } finally {
    ready.close();
  }
}

async function limitOf({ world, names }: VirtualEntity): Promise<number | undefined> {
  return (await world.engine.findContainer(names.container))?.memoryMb;
}

describe('a device that a pairing could not take out again', () => {
  it('is taken out by a repair, and the gateway is ready then', () =>
    onLetIn(async (entity, phone) => {
      entity.provision({ spec: keeping });
      await entity.drain();
      assert.ok(!isPaired(entity, phone));
      assert.deepEqual(leftOf(entity), ['ready', []], entity.state.reason);
      assert.equal(entity.state.life?.owed, undefined);
    }));

  it('is still named when a repair has come to nothing, and when it could not be taken out once more', () =>
    onLetIn(async (entity, phone) => {
      for (const plan of [at('check host', 'do', 'refuse before'), unable('approve device')]) {
        entity.provision({ spec: keeping });
        while (entity.state.queue.length > 0) await entity.run(plan);
        assert.ok(isPaired(entity, phone));
        assert.deepEqual(leftOf(entity), ['degraded', ['approve device']]);
      }
      entity.provision({ spec: keeping });
      await entity.drain();
      assert.deepEqual([isPaired(entity, phone), ...leftOf(entity)], [false, 'ready', []]);
    }));

  it('is named no more when it was cut off, as docs/runbook.md#something-left says', () =>
    onLetIn(async (entity, phone) => {
      entity.ask({ kind: 'unpair', deviceId: phone.id });
      const result = await entity.run();
      assert.equal(result?.outcome, 'done', result?.reason);
      assert.ok(!isPaired(entity, phone));
      assert.deepEqual(leftOf(entity), ['ready', []], entity.state.reason);
    }));

  it('is named no more when an eviction has put it out', () =>
    onLetIn(async (entity, phone) => {
      entity.ask({ kind: 'rotate', reclaim: false, evict: true });
      await entity.run();
      assert.deepEqual([isPaired(entity, phone), ...leftOf(entity)], [false, 'ready', []], entity.state.reason);
    }));

  it('is still named after other changes, which it holds up as little as it did', () =>
    onLetIn(async (entity, phone) => {
      const wishes = [
        { kind: 'rotate', reclaim: false, evict: false },
        { kind: 'change', memoryMb: 3072, live: true },
        { kind: 'upgrade', release: '2026.9.7', dev: true, retryFailed: false, readyMs: 60_000 },
      ] as const;
      for (const wish of wishes) {
        entity.ask(wish);
        const result = await entity.run();
        assert.equal(result?.outcome, 'done', result?.reason);
        assert.deepEqual([isPaired(entity, phone), ...leftOf(entity)], [true, 'degraded', ['approve device']]);
      }
      entity.provision({ spec: entity.gateway.spec });
      await entity.drain();
      assert.deepEqual([isPaired(entity, phone), ...leftOf(entity)], [false, 'ready', []], entity.state.reason);
    }));

  it('is still named when another device was let in', () =>
    onLetIn(async (entity, phone) => {
      const own = knocking(entity, 'Own');
      entity.ask(pairing(own));
      const result = await entity.run((step) => {
        if (step === 'await device') own.knock(entity.names.container);
        return undefined;
      });
      assert.equal(result?.outcome, 'done', result?.reason);
      assert.deepEqual(leftOf(entity), ['degraded', ['approve device']]);
      entity.provision({ spec: keeping });
      await entity.drain();
      assert.deepEqual([isPaired(entity, phone), isPaired(entity, own), ...leftOf(entity)], [false, true, 'ready', []]);
    }));

  it('is not let in any more when the state is restored that a removal kept with it', () =>
    onLetIn(async (entity, phone) => {
      entity.remove();
      await entity.drain();
      entity.provision({ how: 'restore', spec: keeping });
      await entity.drain();
      assert.deepEqual([isPaired(entity, phone), ...leftOf(entity)], [false, 'ready', []], entity.state.reason);
    }));

  it('is named beside what a later change had to leave', () =>
    onLetIn(async (entity) => {
      entity.ask({ kind: 'change', memoryMb: 4096, live: true });
      await entity.run((step, doing) =>
        step === 'read reconfigured' ? 'refuse before' : unable('apply limits')(step, doing, 1),
      );
      assert.deepEqual(leftOf(entity), ['degraded', ['approve device', 'apply limits']]);
      entity.provision({ spec: keeping });
      await entity.drain();
      assert.deepEqual([...leftOf(entity), await limitOf(entity)], ['degraded', ['approve device'], 2048]);
    }));
});

describe('limits that could not be taken back', () => {
  it('are taken back by a repair once nothing is in the way', () =>
    onGrown(async (entity) => {
      entity.provision({ spec: keeping });
      await entity.drain();
      assert.deepEqual([...leftOf(entity), await limitOf(entity)], ['degraded', ['apply limits'], 4096]);
      entity.world.engine.hold(entity.names.container, 500);
      entity.provision({ spec: keeping });
      await entity.drain();
      assert.deepEqual([...leftOf(entity), await limitOf(entity)], ['ready', [], 2048]);
      assert.equal(entity.gateway.spec.memoryMb, 2048);
    }));

  it('are named no more when other limits were given', () =>
    onGrown(async (entity) => {
      entity.ask({ kind: 'change', memoryMb: 5120, live: true });
      const result = await entity.run();
      assert.equal(result?.outcome, 'done', result?.reason);
      assert.deepEqual([...leftOf(entity), await limitOf(entity)], ['ready', [], 5120]);
      assert.equal(entity.state.life?.owed, undefined);
    }));
});

describe('a rehearsal that could not be taken away (S4-5)', () => {
  it('is no rehearsal of the next change, and goes with it', async () => {
    const ready = await readyGateway();
    try {
      await ready.on(async (entity) => {
        const isThere = async () =>
          (await entity.world.engine.findContainer(replacementNames(entity.gateway.mark).rehearsal)) !== undefined;
        entity.ask({ kind: 'change', config: { customerNotes: 'x' } });
        const refused = await entity.run(unable('rehearse config'));
        assert.equal(refused?.outcome, 'left', refused?.reason);
        assert.match(refused.reason, /\[config\] of its spec says customerNotes/);
        assert.ok(await isThere());
        entity.ask({ kind: 'change', config: { session: { idleMinutes: 30 } } });
        const result = await entity.run();
        assert.equal(result?.outcome, 'done', result?.reason);
        assert.deepEqual([await isThere(), ...leftOf(entity)], [false, 'ready', []]);
      });
    } finally {
      ready.close();
    }
  });
});
