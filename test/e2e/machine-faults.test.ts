import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerBody } from '../../src/dev/lightsail/container-body.js';
import { LightsailStandIn } from '../../src/dev/lightsail/stand-in.js';
import { launchMarker } from '../../src/domain/hosts/launch-script.js';
import { machineNames } from '../../src/domain/hosts/machine.js';
import { defaultLimits } from '../../src/wire/limits.js';
import { foundSocket } from '../ground/found.js';
import { patienceMs } from '../ground/patience.js';
import { RealGround } from '../ground/real-ground.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { scratchDirectory } from '../world/scratch.js';

const scratch = scratchDirectory('creel-machine-faults-');
const [older, newer] = ['2026.6.11', '2026.9.6'];
const region = 'eu-central-1';
/** A removal waits until no lost attempt can take effect any more: here not for the forty seconds of a deployment. */
const soonSettled = { actMs: 20_000, settleMs: 1_000 };
const spec = {
  ...testSpec,
  release: older,
  memoryMb: 1_536,
  machine: { provider: 'lightsail', region },
} as const;
const longMs = 480_000;

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

/** The number of the body behind the gateway's machine, once there is one. */
async function machine(): Promise<string> {
  let found: string | undefined;
  const some = async () => {
    [found] = await body.list();
    return found;
  };
  await expect.poll(some, { timeout: patienceMs }).toBeDefined();
  return found ?? '';
}

/** Every connection of SSH is cut; who asks again gets another one. */
async function cutSsh(id: string): Promise<void> {
  await body.run(id, ['pkill', '-KILL', '-f', '^sshd(-session)?: [a-z]']);
}

/** Waits until an activity is held: before it an image may have to be brought to the machine, and tried there. */
async function held(activity: string): Promise<void> {
  await ground.interferences.held(activity, stage.id, longMs);
}

/** Cuts SSH again and again while an activity goes on. */
async function cutMeanwhile(activity: string): Promise<void> {
  const id = await machine();
  await held(activity);
  stage.letGo(activity);
  for (let cuts = 0; cuts < 6; cuts += 1) {
    await sleep(400);
    await cutSsh(id);
  }
}

/** One machine, which costs, and nothing else; and on it one gateway with one state. */
async function isOne(): Promise<void> {
  const { life } = await stage.describe();
  if (!life) throw new Error('no life');
  expect((await standIn.costing()).map(({ name }) => name)).toEqual([machineNames(life.mark).machine]);
  const [id = '', ...others] = await body.list();
  expect(others).toEqual([]);
  const running = await body.run(id, ['docker', 'ps', '--format', '{{.Names}}']);
  expect(running.trim()).toBe(`oc-${stage.id}-${life.mark.birth}`);
}

describe('a real gateway on a machine of its own that has bad days (K-1)', { timeout: 1_200_000 }, () => {
  it('is ready although the seller throttles for a minute, the worker is killed while the machine boots, and the machine freezes during the pull', async () => {
    standIn.faults.plan('*', { kind: 'throttled' });
    stage.interfere('ensureRelease', 'hold before');
    await stage.provision({ spec });
    await sleep(60_000);
    expect(await body.list()).toEqual([]);
    standIn.faults.clear();
    const id = await machine();
    expect(await body.read(id, launchMarker)).toBeUndefined();
    await ground.killWorkers();
    await ground.startWorker();
    await held('ensureRelease');
    stage.letGo('ensureRelease');
    await sleep(2_500);
    await body.freeze(id);
    await sleep(15_000);
    await body.thaw(id);
    expect(await stage.settled(longMs)).toMatchObject({ phase: 'ready', left: [], record: { version: older } });
    await isOne();
  });

  it('gets another token although SSH is cut again and again meanwhile', async () => {
    stage.interfere('ensureToken', 'hold before');
    await stage.rotate();
    await cutMeanwhile('ensureToken');
    expect(await stage.settled(longMs)).toMatchObject({
      phase: 'ready',
      last: { kind: 'rotate', outcome: 'done' },
      life: { tokenGeneration: 2 },
    });
    await isOne();
  });

  it('becomes the next release although SSH is cut in the copy of its state, and the machine loses its power before the new one starts', async () => {
    const { life } = await stage.describe();
    const id = await machine();
    const state = `/var/lib/docker/volumes/oc-${stage.id}-${life?.mark.birth}-state/_data`;
    await body.run(id, [
      'sh',
      '-c',
      `dd if=/dev/urandom of=${state}/photos bs=1M count=200 && chown 1000:1000 ${state}/photos`,
    ]);
    const sum = await body.run(id, ['sha256sum', `${state}/photos`]);
    expect(sum).toMatch(/^[0-9a-f]{64} /);
    stage.interfere('ensureSaved', 'hold before');
    stage.interfere('ensureReplacement', 'hold before');
    const asked = { kind: 'upgrade', release: newer, dev: true, retryFailed: false } as const;
    await stage.request({ ...asked, requestId: 'upgrade', origin: 'test' });
    await stage.until(({ running }) => running !== undefined);
    await cutMeanwhile('ensureSaved');
    await held('ensureReplacement');
    await body.kill(id);
    stage.letGo('ensureReplacement');
    await sleep(5_000);
    await body.start(id);
    const ended = await stage.settled(longMs);
    expect(ended).toMatchObject({ phase: 'ready', left: [] });
    expect([older, newer]).toContain(ended.record?.version);
    expect(await body.run(id, ['sha256sum', `${state}/photos`])).toBe(sum);
    await isOne();
  });

  it('goes back to its former release although SSH is cut while its state is taken back', async () => {
    const { record } = await stage.describe();
    if (record?.version !== newer) {
      const again = { kind: 'upgrade', release: newer, dev: true, retryFailed: true } as const;
      await stage.request({ ...again, requestId: 'upgrade-2', origin: 'test' });
      expect(await stage.settled(longMs)).toMatchObject({ phase: 'ready', record: { version: newer } });
    }
    stage.interfere('ensureTaken', 'hold before');
    await stage.request({ kind: 'rollback', requestId: 'back', origin: 'test' });
    await stage.until(({ running }) => running !== undefined);
    await cutMeanwhile('ensureTaken');
    expect(await stage.settled(longMs)).toMatchObject({
      phase: 'ready',
      left: [],
      record: { version: older },
    });
    await isOne();
  });

  it('is removed with its machine although the seller is broken for a while, and nothing costs', async () => {
    for (const call of ['DeleteInstance', 'GetInstance']) standIn.faults.plan(call, { kind: 'lost' }, 5);
    await stage.remove();
    expect(await stage.settled(longMs)).toMatchObject({ phase: 'removed', left: [] });
    standIn.faults.clear();
    expect(await body.list()).toEqual([]);
    expect(await standIn.costing()).toEqual([]);
  });
});
