import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe } from 'vitest';
import type { Change } from '../../src/domain/change.js';
import type { Gateway } from '../../src/domain/gateway.js';
import { rotated, type Rotation } from '../../src/domain/rotation.js';
import { masterKey } from '../../src/domain/token.js';
import { nextKeyFile } from '../../src/key-file.js';
import { rekeySteps, rotateSteps } from '../../src/workflows/steps.js';
import { proveChange } from '../prove-change.js';
import { testKeyHex } from '../world/open-test-world.js';
import { layKey, testKeyFile } from '../world/test-keys.js';
import type { ChangeStage } from './change-stage.js';

const rotation: Rotation = {
  kind: 'rotate',
  nextTokenGeneration: 2,
  nextDeviceGeneration: 1,
  reclaim: false,
  evict: false,
  approved: [],
};

const nextKey = masterKey('cd'.repeat(32));
const rekeying: Rotation = { ...rotation, nextDeviceGeneration: 2, nextKeyId: nextKey.id };

describe('rotate to another master key', () =>
  proveChange({
    steps: rekeySteps,
    begin: async (stage) => {
      layKey(stage.world.root, testKeyHex);
      writeFileSync(nextKeyFile(testKeyFile(stage.world.root)), 'cd'.repeat(32), { mode: 0o600 });
      return rekeying;
    },
    isDone: async (stage, change) => {
      const next = rotated({ ...stage.gateway, change: asRotation(change) });
      assert.notEqual(stage.world.deps.keys.token(next).reveal(), tokenOf(stage, { ...next, keyId: '' }));
      await serves(stage, next);
      await refuses(stage, stage.gateway);
      assert.deepEqual(await paired(stage, next), [stage.world.deps.keys.device(next).id]);
    },
    isBack: async (stage, change) => {
      await serves(stage, stage.gateway);
      await refuses(stage, rotated({ ...stage.gateway, change: asRotation(change) }));
      assert.deepEqual(await paired(stage, stage.gateway), [stage.world.deps.keys.device(stage.gateway).id]);
    },
  }));

/** The token of the same generation as the first key derives it. */
function tokenOf(stage: ChangeStage, { keyId: _keyId, ...gateway }: Gateway): string {
  return stage.world.deps.keys.token(gateway).reveal();
}

async function paired(stage: ChangeStage, gateway: Gateway): Promise<string[]> {
  const { paired } = await stage.world.activities.findDevices(gateway);
  return paired.map(({ deviceId }) => deviceId);
}

describe('rotate', () =>
  proveChange({
    steps: rotateSteps,
    begin: async () => rotation,
    isDone: async (stage, change) => {
      await serves(stage, rotated({ ...stage.gateway, change: asRotation(change) }));
      await refuses(stage, stage.gateway);
    },
    isBack: async (stage, change) => {
      await serves(stage, stage.gateway);
      await refuses(stage, rotated({ ...stage.gateway, change: asRotation(change) }));
    },
  }));

function asRotation(change: Change): Rotation {
  assert.ok(change.kind === 'rotate');
  return change;
}

/** Exactly this generation is in force, for creel's device and with admin scope. */
async function serves(stage: ChangeStage, gateway: Gateway): Promise<void> {
  const { operatorScopes, port } = await stage.world.activities.findGateway(gateway);
  assert.deepEqual(operatorScopes, ['operator.admin']);
  assert.ok(port > 0);
}

async function refuses(stage: ChangeStage, gateway: Gateway): Promise<void> {
  const { port } = await stage.world.activities.findGateway(gateway).catch(() => ({ port: 0 }));
  assert.equal(port, 0);
  const token = stage.world.deps.keys.token(gateway);
  const inside = { place: gateway.place, container: stage.names.container, token };
  assert.equal((await stage.world.deps.door.callInside(inside, [])).kind, 'wrong token');
}
