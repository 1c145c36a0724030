import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyCheck, masterKey } from '../../src/domain/keys/token.js';
import { deploymentWorkflowId, taskQueue } from '../../src/wire/ids.js';
import type { Description } from '../../src/wire/description.js';
import { DirectoryGround } from '../ground/directory-ground.js';
import { DirectoryStage } from '../ground/directory-stage.js';
import { patienceMs } from '../ground/patience.js';
import { TestServer } from '../ground/server.js';
import { DirectoryDevice } from '../world/directory-device.js';
import { DirectoryGateway } from '../world/directory-gateway.js';
import { imageOf, testDeployment, testKeyHex } from '../world/open-test-world.js';
import { layKey } from '../world/test-keys.js';

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

  const containerOf = ({ id }: DirectoryStage, { life }: Description) => `oc-${id}-${life?.mark.birth}`;
  const tokenIn = (stage: DirectoryStage, told: Description) =>
    DirectoryGateway.within(ground.root, containerOf(stage, told)).token;
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
    const there = ground.world.engine.leftovers().toSorted();
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
    first().letGoAfterKill('findGeneration', worker);
    await ground.startWorker();
    const { stdout, stderr, exitCode } = await recovering;
    expect(stdout, stderr).toContain('10 gateways recovered, 0 on record already, 0 left out, 0 failed');
    expect(exitCode).toBe(0);

    const after = await all((stage) => stage.settled());
    expect(stages.map((stage, index) => tokenIn(stage, after[index] as Description))).toEqual(tokens);
    expect(ground.world.engine.leftovers().toSorted()).toEqual(there);
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
