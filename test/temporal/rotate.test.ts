import fs from 'node:fs';
import path from 'node:path';
import { describe, expect } from 'vitest';
import { configFile } from '../../src/domain/gateway/config.js';
import { lockOutAttempts } from '../../src/domain/thresholds.js';
import { Secret } from '../../src/domain/secret.js';
import { gatewayToken } from '../../src/domain/keys/token.js';
import { gatewayWorkflowId } from '../../src/wire/ids.js';
import { evictSteps, rotateSteps } from '../../src/workflows/rotate/operation.js';
import { registry } from '../../src/workflows/operations.js';
import { DirectoryDevice } from '../world/directory-device.js';
import { replaceFile } from '../world/directory-files.js';
import { onKeptWorker, onSharedGround } from './on-stage.js';
import type { DirectoryStage } from '../ground/directory-stage.js';

const activities = rotateSteps.map((step) => registry[step]?.do ?? '');

/** Every activity of a rotation, and of one that evicts what it does beside. */
const asked = [
  ...activities.map((activity) => ({ activity, evict: false })),
  ...evictSteps
    .map((step) => registry[step]?.do ?? '')
    .filter((activity) => !activities.includes(activity))
    .map((activity) => ({ activity, evict: true })),
];

/** Somebody's device, paired and with a session open. */
async function letIn(stage: DirectoryStage) {
  const { life } = await stage.describe();
  if (!life) throw new Error('nothing lives');
  const { container } = stage.ground.world.namesOf(life);
  const device = new DirectoryDevice(stage.ground.root, { displayName: 'Kitchen' });
  device.pair(container);
  return { device, container, session: device.stay(container) };
}

type Audit = { readonly proofs: readonly { readonly step: string; readonly proof: string }[] };

/** Provisions, waits until it is ready and answers the birth. */
async function ready(stage: DirectoryStage): Promise<string> {
  const { birth } = await stage.provision();
  expect(await stage.settled()).toMatchObject({ phase: 'ready' });
  return birth;
}

/** Which of the first four generations the gateway takes, by asking it inside. */
async function inForce(stage: DirectoryStage): Promise<number[]> {
  const { life } = await stage.describe();
  if (!life) throw new Error('nothing lives');
  const { door, keys } = stage.ground.world.deps;
  const { container } = stage.ground.world.namesOf(life);
  const taken = [];
  for (const generation of [1, 2, 3, 4]) {
    const token = gatewayToken(keys.of(life), life.mark, generation);
    const knock = await door.callInside({ place: life.place, container, token }, []);
    if (knock.kind === 'open') taken.push(generation);
  }
  return taken;
}

/** Changes the config in the state volume as a person with a shell would. */
async function edit(stage: DirectoryStage, change: (config: Config) => void): Promise<void> {
  const { life } = await stage.describe();
  if (!life) throw new Error('nothing lives');
  const { volume } = stage.ground.world.namesOf(life);
  const file = path.join(stage.ground.root, 'files', volume, configFile);
  const config = JSON.parse(fs.readFileSync(file, 'utf8')) as Config;
  change(config);
  replaceFile(file, JSON.stringify(config));
}

type Config = { gateway: { auth: { token: string }; remote: { token: string }; reload?: { mode: string } } };

/** Ends a rotation that went back: the old generation is in force, the record says so, and the next one burns another. */
async function expectBack(stage: DirectoryStage): Promise<void> {
  expect(await stage.settled()).toMatchObject({ phase: 'ready', left: [], life: { tokenGeneration: 1 } });
  expect(await inForce(stage)).toEqual([1]);
}

describe('a rotation', () => {
  const on = onSharedGround();

  on('puts the next generation in force, proves it, and its result is the audit record', async (stage) => {
    const birth = await ready(stage);
    const { workflowId } = await stage.rotate();
    const result = (await stage.result(workflowId)) as { proofs: { step: string; proof: string }[] };
    const silent = ['rehearse rotation', 'read rotated']; // Nothing starts for it, so nothing is rehearsed.
    expect(result.proofs.map(({ step }) => step)).toEqual(rotateSteps.filter((step) => !silent.includes(step)));
    expect(result.proofs.map(({ proof }) => proof)).toEqual([
      expect.stringContaining('2 places hold generation 1 and no other'),
      expect.stringMatching(/session on generation 1 closed \(4001\), a device session still up/),
      'generation 2 lets creel’s device in from outside with operator.admin',
      'generation 1 refused from outside, tried once',
      '1 paired, all approved by creel',
    ]);
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { tokenGeneration: 2 } });
    expect(await inForce(stage)).toEqual([2]);
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on('after another waits for it, and each is the next generation', async (stage) => {
    await ready(stage);
    const [one, other] = await Promise.all([stage.rotate(), stage.rotate()]);
    expect(other.operation).not.toBe(one.operation);
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { tokenGeneration: 3 } });
    expect(await inForce(stage)).toEqual([3]);
    expect(await stage.overlappingOperations()).toEqual([]);
  });

  on('sent twice is one', async (stage) => {
    await ready(stage);
    const one = await stage.rotate({ requestId: 'r1' });
    expect((await stage.rotate({ requestId: 'r1' })).operation).toBe(one.operation);
    expect(await stage.settled()).toMatchObject({ life: { tokenGeneration: 2 } });
  });

  on('of a gateway that is removed, unknown or another life is refused', async (stage) => {
    await expect(stage.rotate()).rejects.toMatchObject({
      cause: { message: expect.stringContaining('does not run') },
    });
    await ready(stage);
    await expect(stage.rotate({ birth: 'aaaaaa' })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('not aaaaaa') },
    });
    await stage.remove();
    await expect(stage.rotate()).rejects.toMatchObject({ cause: { message: expect.stringContaining('removed') } });
    await stage.settled();
  });

  on('that has not begun by its latest start is withdrawn', async (stage) => {
    stage.interfere('ensureNetwork', 'hold before');
    await stage.provision();
    await stage.held('ensureNetwork');
    await stage.rotate({ latestStart: Date.now() + 100 });
    await new Promise((resolve) => setTimeout(resolve, 150));
    stage.letGo('ensureNetwork');
    expect(await stage.settled()).toMatchObject({
      phase: 'ready',
      life: { tokenGeneration: 1 },
      last: { kind: 'rotate', outcome: 'withdrawn' },
    });
  });

  on('finds a second source of truth before it touches anything, and a reclaim ends it (S1-6, S3-1)', async (stage) => {
    await ready(stage);
    await edit(stage, (config) => {
      config.gateway.remote.token = 'somebody’s own';
    });
    const { workflowId } = await stage.rotate();
    await expect(stage.result(workflowId)).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/gateway\.remote\.token in openclaw\.json.*--reclaim/s), type: 'undone' },
    });
    await expectBack(stage);
    await stage.rotate({ reclaim: true });
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { tokenGeneration: 3 } });
    expect(await inForce(stage)).toEqual([3]);
  });

  on('of a gateway that takes nothing up while it runs restarts it', async (stage) => {
    await ready(stage);
    await edit(stage, (config) => {
      config.gateway.reload = { mode: 'off' };
    });
    const before = await stage.describe();
    await stage.rotate();
    const after = await stage.settled();
    expect(after).toMatchObject({ phase: 'ready', life: { tokenGeneration: 2 } });
    expect(after.record?.containerId).toBe(before.record?.containerId);
    expect(await inForce(stage)).toEqual([2]);
  });

  on('that evicts leaves nobody in but creel’s new device', async (stage) => {
    await ready(stage);
    const { device, container, session } = await letIn(stage);
    const { workflowId } = await stage.rotate({ evict: true });
    const { proofs } = (await stage.result(workflowId)) as Audit;
    const kitchen = `${device.id.slice(0, 12)} (Kitchen, gateway-client, linux)`;
    expect(proofs.slice(-4).map(({ proof }) => proof)).toEqual([
      `must pair again: ${kitchen}`,
      'every device but creel’s new one shut out (2), listed with no session open; a session of creel’s previous device was seen to close',
      `nobody but creel’s new device is paired; removed: ${kitchen}`,
      '1 paired, all approved by creel',
    ]);
    expect([session.isOpen(), device.knock(container)]).toEqual([false, 'asks']);
    expect(await stage.settled()).toMatchObject({
      phase: 'ready',
      life: { tokenGeneration: 2, deviceGeneration: 2 },
    });
    await stage.rotate();
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { tokenGeneration: 3, deviceGeneration: 2 } });
  });
});

describe('a rotation whose time is over', () => {
  const on = onSharedGround({ rotationMs: 1_500 });

  on('goes back to the old token, proved, and tells a person (S3-24)', async (stage) => {
    await ready(stage);
    stage.interfere('probeToken', 'hold before');
    await stage.rotate();
    await stage.held('probeToken');
    await stage.until(() => stage.pages().some(({ title }) => title === 'rotate went back'));
    stage.letGo('probeToken');
    await expectBack(stage);
    await stage.rotate();
    expect(await stage.settled()).toMatchObject({ life: { tokenGeneration: 3 } });
  });

  on('does not begin while outside clients are locked out, and gives up inside its budget', async (stage) => {
    await ready(stage);
    const { record, life } = await stage.describe();
    const { door } = stage.ground.world.deps;
    if (!record || !life) throw new Error('nothing lives');
    for (let wrong = 0; wrong < lockOutAttempts; wrong += 1) {
      const as = { token: new Secret('an old token'), device: undefined, scopes: [] };
      await door.knock({ place: life.place, port: record.port }, as);
    }
    await stage.rotate();
    expect(await stage.settled()).toMatchObject({
      phase: 'degraded', // The look at its end is turned away as every outside client is, for as long as the lock-out lasts.
      reason: expect.stringContaining('locked outside clients out'),
      left: [],
      life: { tokenGeneration: 1 },
      last: { outcome: 'undone', reason: expect.stringMatching(/^check rotation: /) },
    });
    expect(await inForce(stage)).toEqual([1]);
  });
});

describe('a rotation in the middle of', () => {
  const on = onSharedGround();

  for (const { activity, evict } of asked) {
    on(`${activity} that is refused goes back`, async (stage) => {
      await ready(stage);
      stage.interfere(activity, 'fail');
      await stage.rotate({ evict });
      await stage.until((found) => found.last?.kind === 'rotate');
      stage.letGo(activity);
      await expectBack(stage);
      await stage.rotate();
      expect(await stage.settled()).toMatchObject({ life: { tokenGeneration: 3 } });
      expect(await inForce(stage)).toEqual([3]);
    });

    on(`${activity} that is cancelled goes back`, async (stage) => {
      await ready(stage);
      stage.interfere(activity, 'hold after');
      const { workflowId } = await stage.rotate({ evict });
      await stage.held(activity);
      await (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id)).cancel();
      await stage.cancelRequested(workflowId);
      stage.letGo(activity);
      await expectBack(stage);
    });

    on(`${activity} whose run is terminated is followed by its way back`, async (stage) => {
      await ready(stage);
      stage.interfere(activity, 'hold after');
      const { workflowId } = await stage.rotate({ evict });
      await stage.held(activity);
      await (await stage.client()).workflow.getHandle(workflowId).terminate('by hand');
      stage.letGo(activity);
      await stage.until((found) => found.last?.kind === 'way-back');
      await expectBack(stage);
    });

    on(`${activity}, a removal leaves nothing`, async (stage) => {
      await ready(stage);
      stage.interfere(activity, 'hold after');
      await stage.rotate({ evict });
      await stage.held(activity);
      await stage.remove();
      stage.letGo(activity);
      expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
      expect(stage.leftovers()).toEqual([]);
    });
  }

  on('its way back, a removal leaves nothing', async (stage) => {
    await ready(stage);
    stage.interfere('probeRefusal', 'fail');
    stage.interfere('restoreToken', 'hold before');
    await stage.rotate();
    await stage.held('restoreToken');
    await stage.remove();
    stage.letGo('restoreToken');
    expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
    expect(stage.leftovers()).toEqual([]);
  });

  on('its way back that is refused is named, and the next rotation ends it', async (stage) => {
    await ready(stage);
    stage.interfere('probeRefusal', 'fail');
    stage.interfere('restoreToken', 'fail');
    await stage.rotate();
    expect(await stage.settled()).toMatchObject({ phase: 'degraded', left: [{ step: 'apply token' }] });
    stage.letGo('probeRefusal');
    stage.letGo('restoreToken');
    await stage.rotate({ reclaim: true });
    expect(await stage.settled()).toMatchObject({ phase: 'ready', left: [], life: { tokenGeneration: 3 } });
    expect(await inForce(stage)).toEqual([3]);
  });
});

describe('a worker killed after the effect and before the report of', () => {
  // The proof of refusal is tried twice: after the kill, no heartbeat of a machine that is busy may be late.
  const on = onKeptWorker({ heartbeatMs: 2_500 });

  for (const { activity, evict } of asked) {
    on(`${activity}: the new generation is in force, once`, async (stage) => {
      stage.interfere(activity, 'crash after');
      const birth = await ready(stage);
      const { device, container, session } = await letIn(stage);
      const { workflowId } = await stage.rotate({ evict });
      const { proofs } = (await stage.result(workflowId)) as Audit;
      if (evict)
        expect(proofs.some(({ proof }) => proof.startsWith(`must pair again: ${device.id.slice(0, 12)}`))).toBe(true);
      expect([session.isOpen(), device.knock(container)]).toEqual(evict ? [false, 'asks'] : [true, 'in']);
      expect(await stage.settled()).toMatchObject({ phase: 'ready', left: [], life: { tokenGeneration: 2 } });
      expect(await inForce(stage)).toEqual([2]);
      expect(stage.leftovers()).toEqual(stage.expected(birth));
    });
  }

  on('restoreToken: the old generation is in force', async (stage) => {
    stage.interfere('probeRefusal', 'fail');
    stage.interfere('restoreToken', 'crash after');
    await ready(stage);
    await stage.rotate();
    await expectBack(stage);
  });
});
