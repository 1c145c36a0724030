import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyCheck, masterKey } from '../../../src/domain/keys/token.js';
import { deploymentWorkflowId, taskQueue } from '../../../src/wire/ids.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import { patienceMs } from '../../ground/patience.js';
import { TestServer } from '../../ground/server.js';
import { accountOf } from '../../world/machine-world.js';
import { imageOf, testDeployment, testKeyHex, testSpec } from '../../world/open-test-world.js';
import { layKey } from '../../world/test-keys.js';

const key = masterKey(testKeyHex);
const region = 'eu-central-1';
const spec = { ...testSpec, memoryMb: 1_536, machine: { provider: 'lightsail', region, address: 'static' } } as const;

describe('records of gateways on machines of their own that are lost (K-1, K-6)', { timeout: 4 * patienceMs }, () => {
  let server: TestServer;
  let ground: DirectoryGround;
  let lives: DirectoryStage;
  let kept: DirectoryStage;
  let file: string;

  beforeAll(async () => {
    server = await TestServer.start();
    ground = new DirectoryGround(server, taskQueue);
    layKey(ground.root, testKeyHex);
    file = path.join(ground.root, 'creel.jsonl');
    lives = new DirectoryStage(ground);
    kept = new DirectoryStage(ground);
    const client = await lives.client();
    kept.use(client);
    const memo = {
      deployment: testDeployment,
      layout: 1,
      keyId: key.id,
      keyCheck: keyCheck(key, testDeployment),
      releases: ['2026.9.6'].map((version) => ({ version, image: imageOf(version), dev: true })),
    };
    await client.workflow.start('deployment', { workflowId: deploymentWorkflowId, taskQueue, memo });
    await ground.startWorker();
  });
  afterAll(async () => {
    await lives.close();
    await ground.close();
    await server.stop();
  });

  function creel(...args: string[]) {
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: path.join(ground.root, 'home'),
      TEMPORAL_ADDRESS: server.address,
      CREEL_KEY_FILE: path.join(ground.root, 'keys', 'master.key'),
    };
    return execa(process.execPath, ['bin/creel.mjs', ...args], { env, extendEnv: false, reject: false });
  }

  it('are taken up from an export, each on its machine, and nothing is bought', async () => {
    await lives.provision({ spec });
    await kept.provision({ spec: { ...spec, keepStateMs: 86_400_000 } });
    const before = await lives.settled();
    expect(before).toMatchObject({ phase: 'ready' });
    await kept.settled();
    await kept.remove();
    expect(await kept.settled()).toMatchObject({ phase: 'removed', stateKeptUntil: expect.any(String) });
    const billed = accountOf(ground.root).bill(region).toSorted();
    expect(billed).toHaveLength(4);
    expect(await creel('export', '--out', file)).toMatchObject({ exitCode: 0 });
    await ground.killWorkers();
    await server.lose();

    expect((await creel('init', '--from', file)).stdout).toContain(`belongs to deployment ${testDeployment}`);
    await ground.startWorker();
    const swept = JSON.parse((await creel('sweep', '--json')).stdout);
    expect(swept).toMatchObject({ counts: { remove: 0, stop: 0, report: 4 } });
    const recovered = await creel('recover', '--from', file);
    expect(recovered.stdout, recovered.stderr).toContain('2 gateways recovered, 0 on record already');
    const { place, mark, tokenGeneration } = before.life ?? {};
    expect(await lives.settled()).toMatchObject({ phase: 'ready', life: { place, mark, tokenGeneration } });
    expect(await kept.settled()).toMatchObject({ phase: 'removed', stateKeptUntil: expect.any(String) });
    expect(accountOf(ground.root).bill(region).toSorted()).toEqual(billed);
    const again = JSON.parse((await creel('sweep', '--json')).stdout);
    expect(again).toMatchObject({ counts: { remove: 0, stop: 0, report: 0 } });
    await kept.remove({ purge: true });
    await lives.remove({ purge: true });
    for (const each of [kept, lives]) {
      const { phase, left, stateKeptUntil } = await each.settled();
      expect({ phase, left, stateKeptUntil }).toEqual({ phase: 'removed', left: [], stateKeptUntil: undefined });
    }
    expect(accountOf(ground.root).bill(region)).toEqual([]);
  });
});
