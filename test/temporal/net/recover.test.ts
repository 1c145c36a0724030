import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyCheck, masterKey } from '../../../src/domain/keys/token.js';
import { deploymentWorkflowId, gatewayWorkflowId, taskQueue } from '../../../src/wire/ids.js';
import { describeQuery } from '../../../src/wire/messages.js';
import type { Description } from '../../../src/wire/description.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import { patienceMs } from '../../ground/patience.js';
import { TestServer } from '../../ground/server.js';
import { DirectoryDevice } from '../../world/directory-device.js';
import { DirectoryGateway } from '../../world/directory-gateway.js';
import { imageOf, testDeployment, testKeyHex } from '../../world/open-test-world.js';
import { layKey } from '../../world/test-keys.js';

const key = masterKey(testKeyHex);

/** Ten ready gateways of a directory world, whose server loses its database. */
describe('records that are lost (K-6)', { timeout: 4 * patienceMs }, () => {
  let server: TestServer;
  let ground: DirectoryGround;
  let stages: DirectoryStage[];
  let file: string;

  beforeAll(async () => {
    server = await TestServer.start();
    ground = new DirectoryGround(server, taskQueue);
    layKey(ground.root, testKeyHex);
    file = path.join(ground.root, 'creel.jsonl');
    stages = Array.from({ length: 10 }, () => new DirectoryStage(ground));
    const client = await first().client();
    for (const stage of stages) stage.use(client);
    const memo = {
      deployment: testDeployment,
      layout: 1,
      keyId: key.id,
      keyCheck: keyCheck(key, testDeployment),
      releases: ['2026.9.7', '2026.9.6'].map((version) => ({ version, image: imageOf(version), dev: true })),
    };
    await client.workflow.start('deployment', { workflowId: deploymentWorkflowId, taskQueue, memo });
    await ground.startWorker();
  });

  afterAll(async () => {
    await first().close();
    await ground.close();
    await server.stop();
  });

  function first(): DirectoryStage {
    const [stage] = stages;
    if (!stage) throw new Error('there are no gateways');
    return stage;
  }

  function creel(...args: string[]) {
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: path.join(ground.root, 'home'),
      TEMPORAL_ADDRESS: server.address,
      CREEL_KEY_FILE: path.join(ground.root, 'keys', 'master.key'),
    };
    return execa(process.execPath, ['bin/creel.mjs', ...args], { env, extendEnv: false, reject: false });
  }

  const tokenIn = (stage: DirectoryStage, told: Description) => tokenOf(ground, stage, told);
  const all = <T>(act: (stage: DirectoryStage, index: number) => Promise<T>) => Promise.all(stages.map(act));

  it('are taken up from an export: tokens and devices unchanged, and no generation is used twice', async () => {
    await all((stage) => stage.provision());
    await all((stage) => stage.settled());
    const [rotatedBefore, rotatedAfter, upgraded, wentBack] = stages;
    if (!rotatedBefore || !rotatedAfter || !upgraded || !wentBack) throw new Error('too few');
    await rotatedBefore.rotate();
    await rotatedBefore.until(({ life }) => life?.tokenGeneration === 2);
    expect(await creel('export', '--out', file)).toMatchObject({ exitCode: 0 });

    await rotatedAfter.rotate();
    await rotatedAfter.until(({ life }) => life?.tokenGeneration === 2);
    wentBack.interfere('probeToken', 'fail');
    await wentBack.rotate();
    await wentBack.until(({ last }) => last?.kind === 'rotate');
    wentBack.letGo('probeToken');
    const asked = { kind: 'upgrade', requestId: 'up', origin: 'test', dev: true, retryFailed: false } as const;
    await upgraded.request({ ...asked, release: '2026.9.7' });
    await upgraded.until(({ life, last }) => last?.kind === 'upgrade' && life?.spec.release === '2026.9.7');
    const device = new DirectoryDevice(ground.root);
    device.pair(containerOf(first(), await first().settled()));

    const before = await all((stage) => stage.settled());
    const tokens = stages.map((stage, index) => tokenIn(stage, before[index] as Description));
    const owned = () =>
      ground.world.engine
        .leftovers()
        .filter((each) => each.includes(' oc-'))
        .toSorted();
    const there = owned();
    await ground.killWorkers();
    await server.lose();

    expect((await creel('init', '--from', file)).stdout).toContain(`belongs to deployment ${testDeployment}`);
    const worker = await ground.startWorker();
    const dry = await creel('recover', '--from', file, '--dry-run');
    expect(dry.stdout.match(/: would take up: birth/g)).toHaveLength(10);
    expect((await creel('list', '--json')).stdout).not.toContain(first().id);
    first().interfere('findGeneration', 'hold before');
    const recovering = creel('recover', '--from', file);
    await first().held('findGeneration');
    expect(await first().describe()).toMatchObject({ phase: 'adopting' });
    recovering.kill('SIGINT');
    expect(await recovering).toMatchObject({
      exitCode: 130,
      stderr: expect.stringMatching(/at \d+ of 10: .*same command goes on/),
    });
    const goingOn = creel('recover', '--from', file);
    first().letGoAfterKill('findGeneration', worker);
    await ground.startWorker();
    const { stdout, stderr, exitCode } = await goingOn;
    const [, recovered, known] =
      /(\d+) gateways? recovered, (\d+) on record already, 0 left out, 0 failed/.exec(stdout) ?? [];
    expect(Number(recovered) + Number(known), stdout + stderr).toBe(10);
    expect(stdout).toMatch(/^\[10\/10\] /m);
    expect(exitCode).toBe(0);

    const after = await all((stage) => stage.settled());
    expect(stages.map((stage, index) => tokenIn(stage, after[index] as Description))).toEqual(tokens);
    expect(owned()).toEqual(there);
    for (const [index, told] of after.entries()) {
      const { life } = before[index] as Description;
      expect(told).toMatchObject({
        phase: 'ready',
        life: { mark: life?.mark, tokenGeneration: life?.tokenGeneration },
      });
      expect(told.life?.spec).toEqual(life?.spec);
    }
    expect(device.knock(containerOf(first(), after[0] as Description))).toBe('in');

    await wentBack.rotate();
    const { life } = await wentBack.until((found) => found.last?.kind === 'rotate');
    expect(life?.tokenGeneration).toBe(1_002);
    const again = await creel('recover', '--from', file);
    expect(again.stdout).toContain('0 gateways recovered, 10 on record already');
  });

  it('an export that was cut off, of another deployment, or beside another key is refused', async () => {
    const text = readFileSync(file, 'utf8');
    const other = path.join(ground.root, 'other.jsonl');
    writeFileSync(other, text.split('\n').slice(0, -2).join('\n'));
    expect(await creel('recover', '--from', other)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('was cut off'),
    });
    writeFileSync(other, text.replaceAll(testDeployment, 'otherdeplo'));
    for (const verb of ['init', 'recover'])
      expect(await creel(verb, '--from', other)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('otherdeplo'),
      });
  });
});

describe('a namespace that is restored to an earlier hour (K-6)', { timeout: 4 * patienceMs }, () => {
  it('is under control again: what was rotated, upgraded and removed since is as it is, not as it was', async () => {
    const server = await TestServer.start();
    const ground = new DirectoryGround(server, taskQueue);
    const stages = ['rotated', 'upgraded', 'removed'].map(() => new DirectoryStage(ground));
    const [rotated, upgraded, removed] = stages as [DirectoryStage, DirectoryStage, DirectoryStage];
    const keyFile = layKey(ground.root, testKeyHex);
    const creel = (...args: string[]) => {
      const home = path.join(ground.root, 'home');
      const env = { PATH: process.env['PATH'] ?? '', HOME: home, TEMPORAL_ADDRESS: server.address };
      const options = { env: { ...env, CREEL_KEY_FILE: keyFile }, extendEnv: false, reject: false } as const;
      return execa(process.execPath, ['bin/creel.mjs', ...args], options);
    };
    try {
      const client = await rotated.client();
      for (const stage of stages) stage.use(client);
      const releases = ['2026.9.7', '2026.9.6'].map((version) => ({ version, image: imageOf(version), dev: true }));
      const held = { deployment: testDeployment, layout: 1, keyId: key.id, keyCheck: keyCheck(key, testDeployment) };
      const memo = { ...held, releases };
      await client.workflow.start('deployment', { workflowId: deploymentWorkflowId, taskQueue, memo });
      await ground.startWorker();
      for (const stage of stages) await stage.provision();
      for (const stage of stages) await stage.settled();
      await ground.killWorkers();
      await server.save();

      await ground.startWorker();
      await rotated.rotate();
      const now = await rotated.until(({ life }) => life?.tokenGeneration === 2);
      const asked = { kind: 'upgrade', requestId: 'up', origin: 'test', dev: true, retryFailed: false } as const;
      await upgraded.request({ ...asked, release: '2026.9.7' });
      await upgraded.until(({ life, last }) => last?.kind === 'upgrade' && life?.spec.release === '2026.9.7');
      await removed.remove({ purge: true });
      await removed.until(({ phase }) => phase === 'removed');
      const token = tokenOf(ground, rotated, now);
      const there = ground.world.engine.leftovers().filter((each) => each.includes(' oc-'));
      await ground.killWorkers();
      await server.restore();

      await ground.startWorker();
      const file = path.join(ground.root, 'creel.jsonl');
      expect(await creel('export', '--out', file)).toMatchObject({ exitCode: 0 });
      await ground.killWorkers();
      expect(await creel('init', '--from', file)).toMatchObject({ exitCode: 0 });
      await ground.startWorker();
      expect((await creel('recover', '--from', file)).stdout).toContain('3 on record already');
      const { stdout } = await creel('recover', '--from', file, '--anew');
      expect(stdout).toContain('2 gateways recovered, 0 on record already, 0 left out, 1 failed');
      expect(stdout).toMatch(new RegExp(`${removed.id}: failed: none: .*no life of ${removed.id}`));
      expect(await rotated.settled()).toMatchObject({ phase: 'ready', life: { tokenGeneration: 2 } });
      expect(tokenOf(ground, rotated, now)).toBe(token);
      expect(await upgraded.settled()).toMatchObject({ phase: 'ready', life: { spec: { release: '2026.9.7' } } });
      expect(ground.world.engine.leftovers().filter((each) => each.includes(' oc-'))).toEqual(there);
      await rotated.rotate();
      expect(await rotated.until(({ life }) => life?.tokenGeneration !== 2)).toMatchObject({
        life: { tokenGeneration: 1_003 },
      });
    } finally {
      await rotated.close();
      await ground.close();
      await server.stop();
    }
  });
});

describe('a removed gateway whose state is kept (K-6)', { timeout: 4 * patienceMs }, () => {
  it('has its record again after a recovery, as removed, and comes back with its state; one that lives since is taken up as it is', async () => {
    const server = await TestServer.start();
    const ground = new DirectoryGround(server, taskQueue);
    const stage = new DirectoryStage(ground);
    const keyFile = layKey(ground.root, testKeyHex);
    const file = path.join(ground.root, 'creel.jsonl');
    const creel = (...args: string[]) => {
      const home = path.join(ground.root, 'home');
      const env = { PATH: process.env['PATH'] ?? '', HOME: home, TEMPORAL_ADDRESS: server.address };
      const options = { env: { ...env, CREEL_KEY_FILE: keyFile }, extendEnv: false, reject: false } as const;
      return execa(process.execPath, ['bin/creel.mjs', ...args], options);
    };
    const loseAndRecover = async () => {
      await ground.killWorkers();
      await server.lose();
      await creel('init', '--from', file);
      await ground.startWorker();
      return creel('recover', '--from', file);
    };
    try {
      const client = await stage.client();
      const releases = [{ version: '2026.9.6', image: imageOf('2026.9.6'), dev: true }];
      const held = { deployment: testDeployment, layout: 1, keyId: key.id, keyCheck: keyCheck(key, testDeployment) };
      await client.workflow.start('deployment', {
        workflowId: deploymentWorkflowId,
        taskQueue,
        memo: { ...held, releases },
      });
      await ground.startWorker();
      await stage.provision({ spec: { ...ground.world.gateway(stage.id).spec, keepStateMs: 10 * 24 * 3_600_000 } });
      const lived = await stage.settled();
      const token = tokenOf(ground, stage, lived);
      await stage.remove();
      const before = await stage.until(({ phase }) => phase === 'removed');
      expect(await creel('export', '--out', file)).toMatchObject({ exitCode: 0 });
      const owned = () => ground.world.engine.leftovers().filter((each) => each.includes(' oc-'));
      const there = owned();
      expect(there).toEqual([`volume ${containerOf(stage, lived)}-state`]);

      expect((await loseAndRecover()).stdout).toContain(
        '1 gateway recovered, 0 on record already, 0 left out, 0 failed',
      );
      const again = await stage.describe();
      expect(again).toMatchObject({
        phase: 'removed',
        stateKeptUntil: before.stateKeptUntil,
        life: { mark: lived.life?.mark },
      });
      expect(owned()).toEqual(there);

      expect(await creel('export', '--out', file)).toMatchObject({ exitCode: 0 });
      const removed = lineOf(file);
      exchange(file, removed.replace(before.stateKeptUntil ?? '-', '2020-01-01T00:00:00.000Z'));
      expect((await loseAndRecover()).stdout).toContain('1 gateway recovered');
      expect(Date.parse((await stage.describe()).stateKeptUntil ?? '')).toBeGreaterThan(Date.now() + 23 * 3_600_000);
      expect(owned()).toEqual(there);

      expect(await creel('provision', stage.id, '--restore')).toMatchObject({ exitCode: 0 });
      expect(tokenOf(ground, stage, lived)).toBe(token);
      const alive = owned();
      expect(await creel('export', '--out', file)).toMatchObject({ exitCode: 0 });
      exchange(file, removed);
      expect((await loseAndRecover()).stdout).toContain(`${stage.id}: recovered: it lives`);
      expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { mark: lived.life?.mark } });
      expect(owned()).toEqual(alive);
    } finally {
      await stage.close();
      await ground.close();
      await server.stop();
    }
  });
});

describe('a deployment that is taken over while its old server still runs (K-6)', { timeout: 4 * patienceMs }, () => {
  it('the old master is refused by the engine, in do and undo, and the new one goes on', async () => {
    const [oldServer, newServer] = await Promise.all([TestServer.start(), TestServer.start()]);
    const before = new DirectoryGround(oldServer, taskQueue);
    const after = new DirectoryGround(newServer, taskQueue, before.world);
    const [old, now] = [new DirectoryStage(before), new DirectoryStage(after)];
    const creel = (server: TestServer, ...args: string[]) => {
      const keyFile = layKey(before.root, testKeyHex);
      const home = path.join(before.root, 'home');
      const env = { PATH: process.env['PATH'] ?? '', HOME: home, TEMPORAL_ADDRESS: server.address };
      const options = { env: { ...env, CREEL_KEY_FILE: keyFile }, extendEnv: false, reject: false } as const;
      return execa(process.execPath, ['bin/creel.mjs', ...args], options);
    };
    try {
      const memo = { deployment: testDeployment, layout: 1, keyId: key.id, keyCheck: keyCheck(key, testDeployment) };
      const client = await old.client();
      await client.workflow.start('deployment', { workflowId: deploymentWorkflowId, taskQueue, memo });
      await before.startWorker();
      await old.provision();
      const told = await old.settled();
      const file = path.join(before.root, 'creel.jsonl');
      await creel(oldServer, 'export', '--out', file);

      await creel(newServer, 'init', '--from', file);
      await creel(newServer, 'init', '--from', file); // Twice is once.
      await after.startWorker();
      expect(await creel(newServer, 'recover', '--from', file)).toMatchObject({ exitCode: 0 });
      const epochs = () => before.world.engine.leftovers().filter((each) => each.includes('creel-epoch-'));
      expect(epochs()).toEqual([`volume creel-epoch-${testDeployment}-2`]);

      const token = tokenOf(before, old, told);
      await old.rotate();
      const refused = await old.until(({ last, park }) => last?.kind === 'rotate' || park !== undefined);
      expect(JSON.stringify(refused)).toContain('no longer obeys epoch 1');
      await old.remove({ purge: true });
      const parked = await old.until(({ phase, reason }) => phase === 'removed' || reason.includes('epoch 1'));
      expect(JSON.stringify(parked)).toContain('no longer obeys epoch 1');
      const sweeping = client.workflow.execute('sweep', {
        workflowId: 'sweep/old',
        taskQueue,
        args: [{ dryRun: false }],
      });
      expect(JSON.stringify(await sweeping)).toContain('no longer obeys epoch 1');
      expect(tokenOf(before, old, told)).toBe(token);
      expect(old.leftovers()).toEqual(old.expected(told.life?.mark.birth ?? ''));

      const handle = (await now.client()).workflow.getHandle(gatewayWorkflowId(old.id));
      await creel(newServer, 'rotate', old.id);
      expect(await handle.query(describeQuery)).toMatchObject({ phase: 'ready', life: { tokenGeneration: 1_002 } });
      await creel(newServer, 'init', '--from', file); // The same export raises nothing.
      expect(await creel(newServer, 'rotate', old.id)).toMatchObject({ exitCode: 0 });
    } finally {
      await Promise.all([old.close(), now.close()]);
      await Promise.all([before.close(), after.close()]);
      await Promise.all([oldServer.stop(), newServer.stop()]);
    }
  });
});

/** The line of the one gateway that an export has. */
function lineOf(file: string): string {
  return readFileSync(file, 'utf8').split('\n')[1] ?? '';
}

/** The same export, which says otherwise of that gateway. */
function exchange(file: string, line: string): void {
  const [head = '', , end = ''] = readFileSync(file, 'utf8').split('\n');
  writeFileSync(file, `${head}\n${line}\n${end}\n`);
}

function containerOf({ id }: DirectoryStage, { life }: Description): string {
  return `oc-${id}-${life?.mark.birth}`;
}

function tokenOf(ground: DirectoryGround, { id }: DirectoryStage, { life }: Description): string {
  return DirectoryGateway.within(ground.root, `oc-${id}-${life?.mark.birth}`).token;
}
