import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listRuns } from '../../../src/client/fleet.js';
import { operatorDevice, gatewayToken, keyCheck, masterKey, type MasterKey } from '../../../src/domain/keys/token.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { openKey } from '../../../src/settings/key-file.js';
import { deploymentWorkflowId, fleetWorkflowId, gatewayWorkflowId, taskQueue } from '../../../src/wire/ids.js';
import { replyUpdate } from '../../../src/wire/messages.js';
import type { Description } from '../../../src/wire/description.js';
import { registry } from '../../../src/workflows/operations.js';
import { rekeySteps } from '../../../src/workflows/rotate/operation.js';
import { testDeployment, testKeyHex, testSpec } from '../../world/open-test-world.js';
import { layKey, testKeyFile } from '../../world/test-keys.js';
import { atLength } from '../../ground/at-length.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import { TestServer } from '../../ground/server.js';

const long = atLength(it);

const first = masterKey(testKeyHex);
const noWorker = 7;
const kept = { ...testSpec, keepStateMs: 3_600_000 };
const waits = { ...testSpec, parkMs: 3_600_000 };

/** `creel key rotate` as a person runs it, over a server, a world and workers of the test's own. */
class Deployment {
  readonly ground: DirectoryGround;
  readonly #stages: DirectoryStage[] = [];

  private constructor(ground: DirectoryGround) {
    this.ground = ground;
  }

  static async play(run: (deployment: Deployment) => Promise<void>): Promise<void> {
    const ground = new DirectoryGround(await TestServer.start(), taskQueue);
    const deployment = new Deployment(ground);
    try {
      layKey(ground.root, testKeyHex);
      const stage = deployment.#stage();
      const memo = {
        deployment: testDeployment,
        layout: 1,
        keyId: first.id,
        keyCheck: keyCheck(first, testDeployment),
      };
      const client = await stage.client();
      await client.workflow.start('deployment', { workflowId: deploymentWorkflowId, taskQueue, memo });
      await run(deployment);
    } finally {
      for (const stage of deployment.#stages.toReversed()) await stage.close();
      await ground.close();
      await ground.server.stop();
    }
  }

  #stage(): DirectoryStage {
    const stage = new DirectoryStage(this.ground);
    this.#stages.push(stage);
    return stage;
  }

  /** A gateway that is ready. */
  async gateway(extra: Parameters<DirectoryStage['provision']>[0] = {}): Promise<DirectoryStage> {
    const stage = await this.asked(extra);
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
    return stage;
  }

  /** A gateway that was asked for in the name of the key that the request names: the first one. */
  async asked(extra: Parameters<DirectoryStage['provision']>[0] = {}): Promise<DirectoryStage> {
    const stage = this.#stage();
    await stage.provision(extra);
    return stage;
  }

  get keyFile(): string {
    return testKeyFile(this.ground.root);
  }

  /** Key files by what is after `master.key`. */
  get files(): string[] {
    return readdirSync(path.dirname(this.keyFile)).toSorted();
  }

  get #environment(): Record<string, string> {
    const home = path.join(this.ground.root, 'home');
    const temporal = { TEMPORAL_ADDRESS: this.ground.server.address };
    return { PATH: process.env['PATH'] ?? '', HOME: home, CREEL_KEY_FILE: this.keyFile, ...temporal };
  }

  /** A run over the fleet that never ends by itself. */
  async occupyFleet() {
    const client = await this.#stage().client();
    const workflowId = fleetWorkflowId('other');
    const run = await client.workflow.start('rotateFleet', { workflowId, taskQueue: 'nobody', args: [] });
    await expect.poll(() => listRuns(client)).toEqual([{ run: 'other', attention: false }]);
    return run;
  }

  /** What a server does with a closed run when its namespace keeps it no longer (S3-25). */
  async forget(workflowId: string): Promise<void> {
    const client = await this.#stage().client();
    const { namespace } = client.options;
    await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } });
    const handle = client.workflow.getHandle(workflowId);
    await expect
      .poll(
        () =>
          handle.describe().then(
            () => 'there',
            () => 'gone',
          ),
        { timeout: 120_000, interval: 200 },
      )
      .toBe('gone');
  }

  creel(args: readonly string[], input = '') {
    const options = { env: this.#environment, extendEnv: false, reject: false, input } as const;
    return execa(process.execPath, ['bin/creel.mjs', ...args], options);
  }

  rotate(...args: string[]) {
    return this.creel(['key', 'rotate', '--yes', first.id, ...args]);
  }

  /** Runs the rotation and kills it by SIGKILL as soon as it says this; one that found no worker (exit 7) is given again. */
  async killAt(said: RegExp): Promise<void> {
    const args = ['bin/creel.mjs', 'key', 'rotate', '--yes', first.id];
    for (;;) {
      const child = spawn(process.execPath, args, { env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'] });
      let text = '';
      let complaint = '';
      child.stderr.on('data', (data: Buffer) => {
        complaint += data.toString();
      });
      child.stdout.on('data', (data: Buffer) => {
        text += data.toString();
        if (said.test(text)) child.kill('SIGKILL');
      });
      await once(child, 'exit');
      if (child.exitCode === noWorker) continue;
      expect(text, `it ended with exit ${child.exitCode}: ${complaint}`).toMatch(said);
      return expect(child.signalCode).toBe('SIGKILL');
    }
  }

  /** The same to its end. */
  async rotateAtLast() {
    for (;;) {
      const ended = await this.rotate();
      if (ended.exitCode !== noWorker) return ended;
    }
  }

  async keys(): Promise<{ id: string; state: string; gateways: string[] }[]> {
    const { stdout } = await this.creel(['key', 'list', '--json']);
    return JSON.parse(stdout).keys;
  }

  /** The gateway takes exactly the token and the device of this key, and no others that were ever derived. */
  async expectDerivedFrom(stage: DirectoryStage, key: MasterKey): Promise<void> {
    const { life, record } = await stage.settled();
    if (!life || !record) throw new Error('nothing lives');
    expect(record.keyId).toBe(key.id);
    expect(await this.#lets(life, key, life.deviceGeneration, record.port)).toBe('open');
    if (key.id === first.id) return;
    expect(life).toMatchObject({ keyId: key.id });
    const { door } = this.ground.world.deps;
    const container = `oc-${stage.id}-${life.mark.birth}`;
    for (let generation = 1; generation <= life.tokenGeneration; generation += 1) {
      const token = gatewayToken(first, life.mark, generation);
      expect((await door.callInside({ place: life.place, container, token }, [])).kind).toBe('wrong token');
    }
    const token = gatewayToken(key, life.mark, life.tokenGeneration);
    const scopes = ['operator.admin'];
    for (let generation = 1; generation <= life.deviceGeneration; generation += 1) {
      const device = operatorDevice(first, life.mark, generation);
      expect((await door.knock({ place: life.place, port: record.port }, { token, device, scopes })).kind).toBe(
        'pairing required',
      );
    }
  }

  async #lets(life: Gateway, key: MasterKey, generation: number, port: number): Promise<string> {
    const token = gatewayToken(key, life.mark, life.tokenGeneration);
    const device = operatorDevice(key, life.mark, generation);
    const { door } = this.ground.world.deps;
    const knock = await door.knock({ place: life.place, port }, { token, device, scopes: ['operator.admin'] });
    if (knock.kind === 'open') knock.session.close();
    return knock.kind;
  }
}

async function answer(stage: DirectoryStage, word: 'retry' | 'abort'): Promise<Description> {
  const { park } = await stage.until(({ phase }) => phase === 'parked');
  const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
  await handle.executeUpdate(replyUpdate, { args: [{ park: park?.number ?? '', answer: word, origin: 'test' }] });
  return stage.settled();
}

describe('a rotation of the master key', () => {
  it('takes every gateway over, names who is in the way, and retires the old key once nobody names it', () =>
    Deployment.play(async (deployment) => {
      await deployment.ground.startWorker();
      await deployment.creel(['secret', 'set', 'g42-telegram'], '123456:secret');
      const living = await Promise.all([1, 2].map(() => deployment.gateway()));
      const tombstone = await deployment.gateway({ spec: kept });
      await tombstone.remove();
      await tombstone.settled();
      const parked = await deployment.gateway({ spec: waits });
      parked.interfere('ensureOperator', 'fail');
      await parked.provision({ spec: waits });
      await parked.until(({ phase }) => phase === 'parked');

      const unasked = await deployment.creel(['key', 'rotate']);
      expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`--yes=${first.id}`) });
      expect(deployment.files).toEqual(['master.key', 'secrets']);
      const dry = await deployment.rotate('--dry-run');
      expect(dry.stdout).toContain(`${living[0]?.id}: ${first.id}`);
      expect(deployment.files).toEqual(['master.key', 'secrets']);

      const other = await deployment.occupyFleet();
      const beside = await deployment.rotate();
      expect(beside).toMatchObject({
        exitCode: 3,
        stderr: expect.stringContaining('run other goes through the fleet'),
      });
      expect(deployment.files).toEqual(['master.key', 'secrets']);
      await other.terminate();

      const once = await deployment.rotate('--max-failed', '50%');
      expect(once.stdout).toContain(`${tombstone.id}: it is removed, and its state kept until`);
      expect(once.stdout).toContain(`${parked.id}: it is parked`);
      expect(once.exitCode).toBe(5);
      expect(deployment.files).toEqual(['master.key', 'master.key.next', 'secrets']);
      const next = openKey(`${deployment.keyFile}.next`);
      for (const stage of living) await deployment.expectDerivedFrom(stage, next);
      expect(await deployment.keys()).toMatchObject([
        { id: first.id, state: 'current', gateways: [parked.id, tombstone.id].toSorted() },
        { id: next.id, state: 'next', gateways: living.map(({ id }) => id).toSorted() },
      ]);
      expect((await deployment.creel(['secret', 'list'])).stdout).toBe('g42-telegram');

      const born = await deployment.creel(['provision', 'born', '--release', testSpec.release, '--dev']);
      expect(born.exitCode).toBe(0);
      const stale = await deployment.asked();
      expect(await stale.settled()).toMatchObject({
        phase: 'removed',
        reason: expect.stringContaining(`nothing new is derived from master key ${first.id}`),
      });
      expect(stale.leftovers()).toEqual([]);

      parked.letGo('ensureOperator');
      await answer(parked, 'retry');
      await deployment.creel(['remove', tombstone.id, '--purge', `--yes=${tombstone.id}`]);
      await deployment.forget(fleetWorkflowId(`key-${next.id}-1`));
      const last = await deployment.rotate();
      expect(last.stdout).toContain(`run key-${next.id}-2`);
      expect(last.stdout).toContain(`Nobody names key ${first.id} any more`);
      expect(last.exitCode).toBe(0);
      await deployment.expectDerivedFrom(parked, next);
      expect(deployment.files).toEqual(['master.key', `master.key.retired-${first.id}`, 'secrets']);
      expect(openKey(deployment.keyFile).id).toBe(next.id);
      expect(await deployment.keys()).toMatchObject([
        { id: first.id, state: 'retired', gateways: [] },
        { id: next.id, state: 'current', gateways: expect.arrayContaining(['born']) },
      ]);
      expect((await deployment.creel(['secret', 'list'])).stdout).toBe('g42-telegram');
      expect(JSON.parse(readFileSync(path.join(path.dirname(deployment.keyFile), 'secrets'), 'utf8')).keyId).toBe(
        next.id,
      );
      const again = await deployment.rotate();
      expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`${first.id} is retired`) });
      const plain = await deployment.creel(['rotate', living[0]?.id ?? '']);
      expect(plain.exitCode).toBe(0);
      expect((await living[0]?.settled())?.life).toMatchObject({ keyId: next.id, deviceGeneration: 2 });
    }));

  long(
    'killed by SIGKILL at each of its steps, and its worker after each step of a gateway, ends when it is given again',
    () =>
      Deployment.play(async (deployment) => {
        await deployment.ground.startWorker();
        await deployment.creel(['secret', 'set', 'g42-telegram'], '123456:secret');
        const gateways = [await deployment.gateway(), await deployment.gateway()];
        await deployment.ground.killWorkers();
        for (const stage of gateways)
          for (const step of rekeySteps) stage.interfere(registry[step]?.do ?? '', 'crash after');
        await deployment.ground.keepWorker();
        await deployment.killAt(/Made the next master key/);
        await deployment.killAt(/is announced/);
        await deployment.killAt(/Rotating the fleet/);
        await deployment.killAt(/run key-\S+ (?:canary|rotating)/);
        await deployment.killAt(/Nobody names key/);
        const { exitCode, stdout } = await deployment.rotateAtLast();
        expect({ exitCode, stdout }).toMatchObject({
          exitCode: 0,
          stdout: expect.stringContaining('is the current one'),
        });
        const next = openKey(deployment.keyFile);
        expect(next.id).not.toBe(first.id);
        expect(deployment.files).toEqual(['master.key', `master.key.retired-${first.id}`, 'secrets']);
        expect(await deployment.keys()).toMatchObject([
          { id: first.id, state: 'retired', gateways: [] },
          { id: next.id, state: 'current', gateways: gateways.map(({ id }) => id).toSorted() },
        ]);
        for (const stage of gateways) {
          stage.demandCrashes();
          await deployment.expectDerivedFrom(stage, next);
          expect(await stage.settled()).toMatchObject({ phase: 'ready', left: [] });
        }
        expect((await deployment.creel(['secret', 'list'])).stdout).toBe('g42-telegram');
      }),
  );
});

describe('a worker without the next key', () => {
  let elsewhere: string;
  beforeAll(() => {
    elsewhere = mkdtempSync(path.join(tmpdir(), 'creel-keys-'));
  });
  afterAll(() => {
    delete process.env['TEST_KEYS'];
    rmSync(elsewhere, { recursive: true });
  });

  it('touches nothing and says which key it lacks; another takes its work up, and the file alone is enough', () =>
    Deployment.play(async (deployment) => {
      layKey(elsewhere, testKeyHex);
      process.env['TEST_KEYS'] = elsewhere;
      await deployment.ground.startWorker();
      delete process.env['TEST_KEYS'];
      const stage = await deployment.gateway();
      const rotating = deployment.rotate();
      const { running } = await stage.until(({ running }) => running?.kind === 'rotate');
      const pending = async () => {
        const handle = (await stage.client()).workflow.getHandle(running?.workflowId ?? '');
        return JSON.stringify((await handle.describe()).raw.pendingActivities ?? []);
      };
      await expect.poll(pending, { timeout: 120_000 }).toMatch(/which this worker has not \(it has 352ebc79\)/);
      expect((await stage.describe()).life).toMatchObject({ tokenGeneration: 1 });
      cpSync(`${deployment.keyFile}.next`, `${testKeyFile(elsewhere)}.next`, { mode: 0 });
      expect((await rotating).exitCode).toBe(0);
      await deployment.expectDerivedFrom(stage, openKey(deployment.keyFile));
    }));
});

describe('a life that had no record while the key was replaced', () => {
  it('is refused with the retired key named, and taken up once its file is put back', () =>
    Deployment.play(async (deployment) => {
      await deployment.ground.startWorker();
      const lost = await deployment.gateway();
      const { life } = await lost.describe();
      await (await lost.client()).workflow.getHandle(gatewayWorkflowId(lost.id)).terminate('test');
      expect((await deployment.rotate()).exitCode).toBe(0);
      const next = openKey(deployment.keyFile);
      const takeUp = () => lost.provision({ how: 'take up', birth: life?.mark.birth ?? '', keyId: next.id });
      const { workflowId } = await takeUp();
      await expect(lost.result(workflowId)).rejects.toMatchObject({
        cause: { message: expect.stringMatching(new RegExp(`master key ${first.id}, which is retired`)) },
      });
      expect(await lost.until(({ running }) => running === undefined)).toMatchObject({ phase: 'none' });
      expect(existsSync(`${deployment.keyFile}.retired-${first.id}`)).toBe(true);
      renameSync(`${deployment.keyFile}.retired-${first.id}`, `${deployment.keyFile}.back`);
      await takeUp();
      expect(await lost.settled()).toMatchObject({ phase: 'ready', life: { tokenGeneration: 1 } });
      await deployment.expectDerivedFrom(lost, first);
      expect((await deployment.creel(['rotate', lost.id])).exitCode).toBe(0);
      await deployment.expectDerivedFrom(lost, next);

      rmSync(`${deployment.keyFile}.back`);
      expect((await deployment.creel(['key', 'rotate', '--yes', next.id])).exitCode).toBe(0);
      const third = openKey(deployment.keyFile);
      await deployment.expectDerivedFrom(lost, third);
      expect(await deployment.keys()).toMatchObject([
        { id: first.id, state: 'retired', gateways: [] },
        { id: next.id, state: 'retired', gateways: [] },
        { id: third.id, state: 'current', gateways: [lost.id] },
      ]);
    }));
});
