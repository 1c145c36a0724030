import fs from 'node:fs';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordedReleases } from '../../src/client/deployment/releases.js';
import { keyCheck, masterKey } from '../../src/domain/keys/token.js';
import type { Release } from '../../src/domain/release/release.js';
import { deploymentWorkflowId, taskQueue } from '../../src/wire/ids.js';
import { defaultLimits } from '../../src/wire/limits.js';
import { ImageRegistry } from '../ground/registries/image-registry.js';
import { NpmRegistry } from '../ground/registries/npm-registry.js';
import { RealGround, testKey } from '../ground/real-ground.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { scratchDirectory } from '../world/scratch.js';
import { layKey, testKeyFile } from '../world/test-keys.js';

/**
 * `creel release add` of a release whose image bootstrap has made, because making another takes minutes: the lockfile and the build are
 * bootstrap's own. Everything else is as for any: list of parts, trial on the real engine, push, record.
 */
const [older, newer] = ['2026.6.11', '2026.9.6'];
const imageOf = (version: string) => `creel/openclaw:${version}`;
const first = masterKey(testKey);

/** Whose everything is that a trial makes. */
const ofTrial = 'releasetry';

let ground: RealGround;
let stage: Stage;
let npm: NpmRegistry;

beforeAll(async () => {
  ground = new RealGround(await TestServer.start(), taskQueue);
  stage = new Stage(ground, defaultLimits);
  layKey(ground.root, testKey);
  const client = await stage.client();
  const { deployment } = ground;
  const memo = { deployment, layout: 1, keyId: first.id, keyCheck: keyCheck(first, deployment) };
  await client.workflow.start('deployment', { workflowId: deploymentWorkflowId, taskQueue, memo });
  await ground.startWorker();
  await ground.clear(ofTrial); // A run of the tests that was killed leaves what `creel` itself clears with the next trial.
  npm = await NpmRegistry.open([older, newer]);
});

afterAll(async () => {
  await npm?.close();
  await stage?.close();
  await ground?.close();
  await ground?.server.stop();
}, 120_000);

function creel(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: ground.root,
    CREEL_KEY_FILE: testKeyFile(ground.root),
    CREEL_SUBNET_POOL: '10.214.0.0/16',
    CREEL_FIRST_PORT: '24000',
    TEMPORAL_ADDRESS: ground.server.address,
    ...npm.environment,
    ...more,
  };
  return execa(process.execPath, ['bin/creel.mjs', 'release', ...args], { env, extendEnv: false, reject: false });
}

/** What trials have made and not cleared. */
async function ofTrials(): Promise<string[]> {
  const marked = await ground.engine.listMarked();
  return marked
    .filter(({ labels }) => labels['creel.deployment'] === ofTrial)
    .filter(({ labels }) => labels['creel.gateway'] === `try-${newer.replaceAll('.', '-')}`)
    .map(({ kind, name }) => `${kind} ${name}`);
}

async function recorded(): Promise<Record<string, { image: string; dev: boolean }>> {
  const { releases } = JSON.parse((await creel(['list', '--json'])).stdout) as {
    releases: { version: string; image: string; dev: boolean; recorded: boolean }[];
  };
  const onRecord = releases.filter((each) => each.recorded);
  return Object.fromEntries(onRecord.map(({ version, image, dev }) => [version, { image, dev }]));
}

/** The lines on record, as every worker reads them. */
async function onRecord(): Promise<Record<string, Release>> {
  const lines = await recordedReleases(await stage.client());
  return Object.fromEntries(lines.map((line) => [line.version, line]));
}

describe.sequential('a release', () => {
  it('that is not published, or cannot be made, is refused before anything is touched', async () => {
    expect(await creel(['add', '2026.9.66'])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('the npm registry has no openclaw 2026.9.66; of that month it has 2026.9.6'),
    });
    expect(await creel(['add', 'latest'])).toMatchObject({ exitCode: 2 });
    expect(await creel(['add', newer, '--push', 'no repository'])).toMatchObject({ exitCode: 2 });
    const away = await creel(['add', newer], { CREEL_DOCKER: `unix://${ground.root}/nobody.sock` });
    expect(away).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('no engine answers there') });
    expect(await recorded()).toEqual({});
    expect(await ofTrials()).toEqual([]);
  });

  it('is tried though it is on record untried, and not by an upgrade where nobody wants it, or knows an older one; that it restarts for a token is found out', async () => {
    const untried = await creel(['add', older, '--image', imageOf(older), '--dev']);
    expect(untried).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('It was not tried here') });
    const added = await creel(['add', older, '--no-upgrade']);
    expect({ code: added.exitCode, err: added.stderr }).toMatchObject({ code: 0 });
    expect(added.stderr).toContain('its messages are answered');
    expect(added.stderr).not.toContain('upgrade to');
    expect(added.stderr).toContain('a rotation of its token restarts it: it does not tell');
    expect((await onRecord())[older]).not.toHaveProperty('reloadsToken');
    expect((await recorded())[older]).toEqual({ image: imageOf(older), dev: true });
  }, 300_000);

  it('whose trial is interrupted ends as that, and nothing of it is left', async () => {
    const interrupted = creel(['add', newer]);
    await expect.poll(ofTrials, { timeout: 60_000 }).toContainEqual(expect.stringContaining('container'));
    interrupted.kill('SIGINT');
    expect(await interrupted).toMatchObject({ exitCode: 130, stderr: expect.stringContaining('interrupted') });
    expect(await ofTrials()).toEqual([]);
    expect(Object.keys(await recorded())).toEqual([older]);
  }, 180_000);

  it('is tried by an upgrade on a state in which somebody lived; one that was killed at it leaves nothing behind', async () => {
    const killed = creel(['add', newer]);
    await expect.poll(ofTrials, { timeout: 60_000 }).toContainEqual(expect.stringContaining('container'));
    const beside = await creel(['add', newer]);
    expect(beside).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('tries a release here already') });
    killed.kill('SIGKILL');
    await killed;
    expect(await ofTrials()).not.toEqual([]);
    expect(Object.keys(await recorded())).toEqual([older]);

    const added = await creel(['add', newer, '--json']);
    expect({ code: added.exitCode, err: added.stderr }).toMatchObject({ code: 0 });
    expect(added.stderr).toContain(`it is on ${newer}, answers, and what was left is there`);
    expect(await ofTrials()).toEqual([]);
    expect((await recorded())[newer]).toEqual({ image: imageOf(newer), dev: true });
    expect(added.stderr).toContain('it takes another token while it runs');
    expect((await onRecord())[newer]).toMatchObject({ reloadsToken: true });
    const { sbom } = JSON.parse(added.stdout);
    const { components } = JSON.parse(fs.readFileSync(sbom, 'utf8'));
    expect(components).toContainEqual(expect.objectContaining({ name: 'openclaw', version: newer }));
  }, 600_000);

  it('that was added is not tried again, and goes to a registry by its digest', async () => {
    const again = await creel(['add', newer]);
    expect(again).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('was tried on this machine') });
    const registry = await ImageRegistry.open();
    const name = registry.repository;
    try {
      const pushed = await creel(['add', newer, '--push', name]);
      expect({ code: pushed.exitCode, err: pushed.stderr }).toMatchObject({ code: 0 });
      expect((await recorded())[newer]).toEqual({
        image: expect.stringMatching(new RegExp(`^${name}@sha256:[0-9a-f]{64}$`)),
        dev: false,
      });
      expect((await onRecord())[newer]).toMatchObject({ reloadsToken: true });
      expect(await creel(['add', newer, '--push', name])).toMatchObject({ exitCode: 0 });
      const without = await creel(['add', newer]);
      expect(without).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('for all machines. --push') });
    } finally {
      await registry.close();
      await execa('docker', ['rmi', `${name}:${newer}`], { reject: false });
    }
  }, 300_000);

  it('is made on an image that is OpenClaw’s own, by its digest, and tried as any; one that is no base is refused', async () => {
    const registry = await ImageRegistry.open();
    const based: string[] = [];
    try {
      const bare = await creel(['add', older, '--base', `${registry.repository}:${older}`]);
      expect(bare).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is not pinned') });
      const strange = await creel(['add', older, '--base', `${registry.repository}@sha256:${'0'.repeat(64)}`]);
      expect(strange).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('the engine does not get') });
      const base = await lookAlike(registry.repository);
      based.push(base);
      const other = await creel(['add', newer, '--base', base, '--push', registry.repository]);
      expect(other).toMatchObject({ exitCode: 4, stderr: expect.stringContaining(`it is OpenClaw ${older}`) });
      const added = await creel(['add', older, '--base', base, '--no-upgrade', '--json']);
      expect({ code: added.exitCode, err: added.stderr }).toMatchObject({ code: 0 });
      expect(added.stderr).toContain('its messages are answered');
      const image = `${imageOf(older)}-official`;
      expect((await recorded())[older]).toEqual({ image, dev: true });
      const { stdout } = await execa('docker', ['image', 'inspect', '--format', '{{json .Config}}', image]);
      const { Labels, User, Entrypoint } = JSON.parse(stdout);
      expect({ User, Entrypoint: Entrypoint ?? [] }).toEqual({ User: 'node', Entrypoint: [] });
      const own = { 'creel.release': older, 'creel.variant': 'official', 'creel.base': base };
      expect(Labels).toMatchObject({ ...own, 'creel.plugins': expect.stringContaining('telegram') });
      const { components } = JSON.parse(fs.readFileSync(JSON.parse(added.stdout).sbom, 'utf8'));
      expect(components).toContainEqual(expect.objectContaining({ name: 'openclaw', version: older }));
      const again = await creel(['add', older, '--base', base, '--no-upgrade']);
      expect(again).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('was tried on this machine') });
    } finally {
      await registry.close();
      await execa('docker', ['rmi', `${imageOf(older)}-official`, ...based], { reject: false });
    }
  }, 600_000);
});

/** An image that is laid out as OpenClaw's own: with its entry point, as its user, without what creel's recipe puts in. */
async function lookAlike(repository: string): Promise<string> {
  const directory = scratchDirectory('creel-look-alike-');
  const name = `${repository}:${older}`;
  const lines = [
    `FROM ${imageOf(older)}`,
    'USER root',
    'RUN rm -rf /usr/local/share/openclaw /home/node/.config',
    'ENTRYPOINT ["/bin/false"]',
    'USER node',
  ];
  fs.writeFileSync(`${directory}/Dockerfile`, lines.join('\n'));
  try {
    await execa('docker', ['build', '--quiet', '--tag', name, directory]);
    await execa('docker', ['push', '--quiet', name]);
    const asked = ['image', 'inspect', '--format', '{{index .RepoDigests 0}}', name];
    return (await execa('docker', asked)).stdout.trim();
  } finally {
    await execa('docker', ['rmi', name], { reject: false });
    fs.rmSync(directory, { recursive: true });
  }
}
