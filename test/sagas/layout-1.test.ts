import assert from 'node:assert/strict';
import { test } from 'vitest';
import { createActivities } from '../../src/activities/activities.js';
import { Secret } from '../../src/domain/secret.js';
import { masterKey } from '../../src/domain/keys/token.js';
import type { Gateway } from '../../src/domain/gateway/gateway.js';
import type { Replacement } from '../../src/domain/changes/replacement.js';
import { defaultLimits } from '../../src/wire/limits.js';
import type { OperationInput } from '../../src/wire/operation.js';
import { Saga } from '../../src/workflows/saga/saga.js';
import { replacementOwns, upgradeSteps } from '../../src/workflows/replace/operation.js';
import { stepsOf } from '../../src/workflows/operations.js';
import { openTestWorld, type TestWorld } from '../world/open-test-world.js';
import { ringOf } from '../world/test-keys.js';
import { noFault } from './proofs/faults.js';
import { VirtualRuntime } from './proofs/virtual-runtime.js';

/*
 * What the first commit of layout 1 left in the world, written out: nothing here is derived by the code of today.
 * A newer creel upgrades it, changes no token, and leaves nothing of it when it is removed.
 */

const key = masterKey('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n');
const token = 'g3n4WFSqFCfmZxFp1Z1IJjCHDw3tGEWxtKkUR5G1uGQ';
const labels = {
  'creel.deployment': 'abcdefghij',
  'creel.gateway': 'g42',
  'creel.birth': '7k3fq2',
  'creel.layout': '1',
};
const gateway: Gateway = {
  mark: { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 },
  place: { provider: 'local', host: 'local' },
  spec: { release: '2026.9.6', dev: true, memoryMb: 2048, cpus: 2, keepStateMs: 0, parkMs: 0, channels: [] },
  tokenGeneration: 1,
  deviceGeneration: 1,
};
const entered = [
  'check host',
  'fetch release',
  'keep state',
  'join network',
  'write config',
  'start container',
  'await readiness',
  'pair operator',
  'probe channels',
  'keep running',
  'read back',
].map((step) => ({ step, unsettledUntil: 0 }));
const upgrade: Replacement = {
  kind: 'upgrade',
  number: 2,
  to: { ...gateway.spec, release: '2026.9.7' },
  save: 'a',
  readyMs: 5_000,
};

async function layOut({ engine, deps }: TestWorld): Promise<void> {
  const imageId = (await engine.findImage('creel/openclaw:2026.9.6'))?.id ?? '';
  await engine.createVolume({ name: 'oc-g42-7k3fq2-state', labels });
  await engine.createNetwork({
    name: 'oc-g42-7k3fq2',
    labels: { ...labels, 'creel.port': '19628' },
    subnet: '10.213.33.0/28',
  });
  await engine.createContainer({
    name: 'oc-g42-7k3fq2',
    hostname: 'oc-g42-7k3fq2',
    imageId,
    labels: {
      ...labels,
      'creel.release': '2026.9.6',
      'creel.shape': `{"cpus":2,"imageId":"${imageId}","memoryMb":2048,"port":19628}`,
    },
    command: ['node', 'openclaw.mjs', 'gateway'],
    environment: { HOME: '/home/node' },
    memoryMb: 2048,
    cpus: 2,
    network: 'oc-g42-7k3fq2',
    publish: { hostIp: '127.0.0.1', hostPort: 19_628, port: 18_789 },
    volume: { name: 'oc-g42-7k3fq2-state', target: '/home/node/.openclaw' },
    tmpfs: {},
    restartPolicy: 'unless-stopped',
    health: { command: ['true'], intervalMs: 30_000, timeoutMs: 5_000, startPeriodMs: 45_000, retries: 5 },
  });
  const { id = '' } = (await engine.findContainer('oc-g42-7k3fq2')) ?? {};
  const content = JSON.stringify({ gateway: { mode: 'local', auth: { mode: 'token', token } } });
  await engine.writeFiles(id, '/home/node/.openclaw', [{ path: 'openclaw.json', content, mode: 0o600, uid: 1000 }]);
  await engine.startContainer(id);
  await createActivities({ ...deps, keys: ringOf(key) }).ensureOperator(gateway);
}

test('a gateway of the first commit of layout 1 is upgraded and removed: its token stays, nothing is left', async () => {
  const world = openTestWorld();
  try {
    await layOut(world);
    const activities = createActivities({ ...world.deps, keys: ringOf(key) });
    const input: OperationInput = {
      layout: 1,
      kind: 'upgrade',
      number: 2,
      gateway,
      steps: upgradeSteps,
      entered: [],
      limits: defaultLimits,
      change: upgrade,
    };
    const told = { ...gateway, change: upgrade };
    const changing = new VirtualRuntime(activities, told, 0, noFault);
    const upgraded = await new Saga(input, changing).change();
    assert.equal(upgraded.outcome, 'done', upgraded.reason);
    assert.deepEqual(upgraded.record && { version: upgraded.record.version, port: upgraded.record.port }, {
      version: '2026.9.7',
      port: 19_628,
    });
    const inside = { place: gateway.place, container: 'oc-g42-7k3fq2', token: new Secret(token) };
    assert.equal((await world.deps.door.callInside(inside, [])).kind, 'open');
    const all = [...entered, ...replacementOwns.map((step) => ({ step, unsettledUntil: 0 }))];
    const names = all.map(({ step }) => step);
    const after = { ...gateway, spec: upgrade.to, replacement: upgrade.number };
    const removing: OperationInput = {
      layout: 1,
      kind: 'remove',
      number: 3,
      gateway: after,
      steps: stepsOf('remove', names, false),
      entered: all,
      limits: defaultLimits,
    };
    const removed = await new Saga(removing, new VirtualRuntime(activities, after, 0, noFault)).cleanUp();
    assert.equal(removed.outcome, 'done', removed.reason);
    assert.deepEqual(world.engine.leftovers(), []);
  } finally {
    world.close();
  }
});
