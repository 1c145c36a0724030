import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stateDirectory } from '../../src/domain/gateway/config.js';
import { names } from '../../src/domain/gateway/gateway.js';
import { replacementNames } from '../../src/domain/changes/replacement.js';
import { defaultLimits } from '../../src/wire/limits.js';
import { foundImage } from '../ground/found.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { RealGround } from '../ground/real-ground.js';

const release = '2026.6.11';
const patienceMs = 240_000;
let ground: RealGround;

beforeAll(async () => {
  ground = new RealGround(await TestServer.start());
  await ground.startWorker();
});

afterAll(async () => {
  await ground?.close();
  await ground?.server.stop();
}, 120_000);

it(`release ${release}, which has no start-up endpoint, is provisioned, removed amid an upgrade and restored`, async () => {
  const stage = new Stage(ground, defaultLimits);
  const spec = { ...testSpec, cpus: 2, release, keepStateMs: 3_600_000 };
  const record = {
    version: release,
    imageId: foundImage(release),
    operatorScopes: expect.arrayContaining(['operator.admin']),
  };
  const ready = { phase: 'ready', skipped: [], left: [], record };
  try {
    const { birth } = await stage.provision({ spec });
    expect(await stage.settled(patienceMs)).toMatchObject(ready);
    expect(await ground.leftovers()).toEqual(stage.expected(birth));
    const { container, volume } = names({ gateway: stage.id, birth });
    const note = `${stateDirectory}/workspace/note.txt`;
    await execa('docker', ['exec', container, 'sh', '-c', `mkdir -p $(dirname ${note}) && echo kept > ${note}`]);
    await removeAmidUpgrade(stage);
    expect(await ground.leftovers()).toEqual([`volume ${volume}`]);
    expect(await stage.provision({ spec, how: 'restore' })).toMatchObject({ birth });
    expect(await stage.settled(patienceMs)).toMatchObject(ready);
    const { stdout } = await execa('docker', ['exec', container, 'cat', note]);
    expect(stdout).toBe('kept');
    await stage.remove({ purge: true });
    expect(await stage.settled(patienceMs)).toMatchObject({ phase: 'removed', left: [] });
    expect(await ground.leftovers()).toEqual([]);
  } finally {
    await stage.close();
  }
}, 600_000);

/** Removes the gateway when the next release has its container and the state that was saved is still needed. */
async function removeAmidUpgrade(stage: Stage): Promise<void> {
  stage.interfere('ensureReplacement', 'hold after');
  const place = { provider: 'local', host: 'local' } as const;
  const asked = { release: '2026.9.6', dev: true, retryFailed: false, readyMs: 150_000 };
  await stage.request({ kind: 'upgrade', requestId: 'amid', origin: 'test', place, ...asked });
  await ground.interferences.held('ensureReplacement', stage.id, patienceMs);
  const { life } = await stage.describe();
  const { former } = replacementNames({ gateway: stage.id, birth: life?.mark.birth ?? '' });
  expect(await ground.leftovers()).toContain(`container ${former}`);
  await stage.remove();
  stage.letGo('ensureReplacement');
  expect(await stage.settled(patienceMs)).toMatchObject({ phase: 'removed', left: [] });
}
