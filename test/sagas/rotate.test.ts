import assert from 'node:assert/strict';
import { describe } from 'vitest';
import type { Change } from '../../src/domain/change.js';
import type { Gateway } from '../../src/domain/gateway.js';
import { rotated, type Rotation } from '../../src/domain/rotation.js';
import { gatewayToken } from '../../src/domain/token.js';
import { rotateSteps } from '../../src/workflows/steps.js';
import { proveChange } from '../prove-change.js';
import type { ChangeStage } from './change-stage.js';

const rotation: Rotation = {
  kind: 'rotate',
  nextTokenGeneration: 2,
  nextDeviceGeneration: 1,
  reclaim: false,
  evict: false,
  approved: [],
};

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
  const token = gatewayToken(stage.world.deps.key, gateway.mark, gateway.tokenGeneration);
  const inside = { place: gateway.place, container: stage.names.container, token };
  assert.equal((await stage.world.deps.door.callInside(inside, [])).kind, 'wrong token');
}
