import fs from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerBody } from '../../src/dev/lightsail/container-body.js';
import { LightsailStandIn } from '../../src/dev/lightsail/stand-in.js';
import { defaultLimits } from '../../src/wire/limits.js';
import { foundSocket } from '../ground/found.js';
import { RealGround } from '../ground/real-ground.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { scratchDirectory } from '../world/scratch.js';

const scratch = scratchDirectory('creel-own-machine-');
const [older, newer] = ['2026.6.11', '2026.9.6'];
const region = 'eu-central-1';
/** A removal waits until no lost attempt can take effect any more: here not for the forty seconds of a deployment. */
const soonSettled = { actMs: 20_000, settleMs: 1_000 };
const { fence: _fence, ...fenced } = testSpec;
const spec = {
  ...fenced,
  release: older,
  memoryMb: 1_536,
  machine: { provider: 'lightsail', region, address: 'static' },
} as const;

let standIn: LightsailStandIn;
let body: ContainerBody;
let ground: RealGround;
let stage: Stage;

beforeAll(async () => {
  const { stdout } = await execa(process.execPath, ['scripts/machine-image.mjs']);
  const image = /creel\/machine:\w+/.exec(stdout)?.[0] ?? '';
  body = new ContainerBody({ socketPath: foundSocket(), image, owner: path.basename(scratch) });
  standIn = await LightsailStandIn.open({ directory: scratch, body });
  Object.assign(process.env, standIn.environment);
  process.env['TEST_LIGHTSAIL'] = settings();
  process.env['TEST_RELEASES'] = JSON.stringify(
    Object.fromEntries([older, newer].map((release) => [release, `creel/openclaw:${release}`])),
  );
  ground = new RealGround(await TestServer.start());
  stage = new Stage(ground, { ...defaultLimits, ...soonSettled });
  await ground.startWorker();
}, 900_000);

afterAll(async () => {
  await stage?.close();
  await ground?.close();
  await ground?.server.stop();
  for (const id of await body.list()) await body.delete(id);
  await standIn.close();
  delete process.env['TEST_LIGHTSAIL'];
  delete process.env['TEST_RELEASES'];
  fs.rmSync(scratch, { recursive: true, force: true });
}, 120_000);

/** The file by which a worker buys machines, with a key of its own beside it. */
function settings(): string {
  const file = path.join(scratch, 'lightsail.toml');
  fs.writeFileSync(path.join(scratch, 'fleet'), privateKey(), { mode: 0o600 });
  fs.writeFileSync(file, 'workers = ["198.51.100.7/32"]\n[[fleet_key]]\nslot = "a"\nidentity = "fleet"\n');
  return file;
}

/** Some of the pairs that ssh2 makes are malformed, and read by nobody. */
function privateKey(): string {
  const made = ssh2.utils.generateKeyPairSync('ed25519');
  return ssh2.utils.parseKey(made.private) instanceof Error ? privateKey() : made.private;
}

describe('a real gateway on a machine of its own (K-1)', () => {
  it('is ready on a machine that was bought for it, reached over SSH alone', async () => {
    await stage.provision({ spec });
    const found = await stage.settled(420_000);
    expect(found).toMatchObject({
      phase: 'ready',
      left: [],
      record: { version: older, operatorScopes: expect.arrayContaining(['operator.admin']) },
      life: { place: { provider: 'lightsail', region } },
    });
    expect(found.life?.place.engine).toBeDefined();
    expect(await ground.leftovers()).toEqual([]);
    expect(await body.list()).toHaveLength(1);
  });

  it('gets another token', async () => {
    await stage.rotate();
    expect(await stage.settled(240_000)).toMatchObject({ phase: 'ready', life: { tokenGeneration: 2 } });
  });

  it('becomes the next release, whose image is brought from the engine beside the worker', async () => {
    const asked = { kind: 'upgrade', release: newer, dev: true, retryFailed: false } as const;
    await stage.request({ ...asked, requestId: 'upgrade', origin: 'test' });
    expect(await stage.settled(420_000)).toMatchObject({ phase: 'ready', record: { version: newer } });
  });

  it('is removed with its machine, and nothing costs', async () => {
    await stage.remove();
    expect(await stage.settled(240_000)).toMatchObject({ phase: 'removed', left: [] });
    expect(await body.list()).toEqual([]);
    expect(await standIn.costing()).toEqual([]);
  });
});
