import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deploymentWorkflowId, scheduleId, taskQueue } from '../../../src/wire/ids.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import { patienceMs } from '../../ground/patience.js';
import { TestServer } from '../../ground/server.js';
import { DirectoryHeartbeat } from '../../world/directory-heartbeat.js';
import { DirectoryPager } from '../../world/directory-pager.js';
import { testDeployment } from '../../world/open-test-world.js';

/** `creel schedules` and what the server makes of it, over a world and a worker of the test's own. */
describe('schedules (K-3)', { timeout: 2 * patienceMs }, () => {
  let server: TestServer;
  let ground: DirectoryGround;
  let stage: DirectoryStage;
  let client: Client;
  let worker: ChildProcess;
  let file: string;

  beforeAll(async () => {
    server = await TestServer.start();
    ground = new DirectoryGround(server, taskQueue);
    stage = new DirectoryStage(ground);
    client = await stage.client();
    const memo = { deployment: testDeployment, layout: 1, keyId: ground.world.deps.keys.idOf({}), keyCheck: 'test' };
    await client.workflow.start('deployment', { workflowId: deploymentWorkflowId, taskQueue, memo });
    worker = await ground.startWorker();
    file = path.join(ground.root, 'schedules.toml');
  });

  afterAll(async () => {
    await stage.close();
    await ground.close();
    await server.stop();
  });

  const settings = (text: string) => writeFileSync(file, text);
  const beating = '[heartbeat]\nurl = "http://127.0.0.1:1/x"\nevery = "1 second"\n';

  async function creel(...args: string[]) {
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: path.join(ground.root, 'home'),
      TEMPORAL_ADDRESS: server.address,
      CREEL_SCHEDULES: file,
    };
    return execa(process.execPath, ['bin/creel.mjs', ...args], { env, extendEnv: false, reject: false });
  }

  async function apply(): Promise<Record<string, string>> {
    const { stdout, stderr } = await creel('schedules', 'apply', '--json');
    expect(stderr).toBe('');
    const { applied } = JSON.parse(stdout) as { applied: { name: string; what: string }[] };
    return Object.fromEntries(applied.map(({ name, what }) => [name, what]));
  }

  type Listed = {
    name: string;
    when: string;
    paused: boolean;
    next?: string;
    last?: { how: string; workflowId: string };
  };

  async function listed(): Promise<Record<string, Listed>> {
    const { stdout } = await creel('schedules', '--json');
    const { schedules } = JSON.parse(stdout) as { schedules: Listed[] };
    return Object.fromEntries(schedules.map((each) => [each.name, each]));
  }

  const poll = <T>(look: () => T | Promise<T>) => expect.poll(look, { timeout: patienceMs, interval: 200 });
  const trigger = (name: string) => client.schedule.getHandle(scheduleId(name)).trigger(ScheduleOverlapPolicy.SKIP);
  const exportsIn = () => readdirSync(path.join(ground.root, 'exports')).toSorted();

  it('a list that is applied twice is once; a changed list changes what is there, and only what is ours', async () => {
    settings('');
    const asked = { type: 'startWorkflow', workflowType: 'nothing', taskQueue: 'nobody' } as const;
    await client.schedule.create({ scheduleId: 'somebody-else', spec: {}, action: asked, state: { paused: true } });
    expect(await apply()).toEqual({
      reconcile: 'created',
      sweep: 'created',
      export: 'created',
      drift: 'created',
      rotation: 'created',
    });
    expect(await apply()).toEqual({
      reconcile: 'as it was',
      sweep: 'as it was',
      export: 'as it was',
      drift: 'as it was',
      rotation: 'as it was',
    });
    await poll(async () => Object.keys(await listed())).toEqual(['drift', 'export', 'reconcile', 'rotation', 'sweep']);
    expect(await listed()).toMatchObject({
      export: { when: 'cron 30 2 * * * UTC', paused: false, next: expect.stringMatching(/T02:[34]\d:/) },
      rotation: { paused: true },
    });
    settings('[export]\ncron = "0 5 * * *"\n[drift]\noff = true\n');
    expect(await apply()).toEqual({
      reconcile: 'as it was',
      sweep: 'as it was',
      export: 'changed',
      rotation: 'as it was',
      drift: 'removed',
    });
    expect((await listed())['export']).toMatchObject({ next: expect.stringMatching(/T05:[01]\d:/) });
    const { policies, action } = await client.schedule.getHandle(scheduleId('export')).describe();
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 12 * 3_600_000, pauseOnFailure: false });
    expect(action.workflowId).toBe('scheduled/export');
    expect((await client.schedule.getHandle('somebody-else').describe()).state.paused).toBe(true);
  });

  it('a schedule of such a name without our mark is refused, and nothing is changed', async () => {
    settings('[drift]\noff = true\n[export]\ncron = "0 5 * * *"\n');
    await apply();
    const asked = { type: 'startWorkflow', workflowType: 'nothing', taskQueue: 'nobody' } as const;
    await client.schedule.create({ scheduleId: scheduleId('drift'), spec: {}, action: asked, state: { paused: true } });
    settings('[export]\ncron = "0 7 * * *"\n');
    const refused = await creel('schedules', 'apply');
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('exists without our mark') });
    expect((await listed())['export']).toMatchObject({ when: 'cron 0 5 * * * UTC' });
    await client.schedule.getHandle(scheduleId('drift')).delete();
  });

  it('what a person paused stays paused when the list is applied, and is resumed by name', async () => {
    settings('');
    await apply();
    expect((await creel('schedules', 'pause', 'export')).stdout).toBe('export is paused');
    await apply();
    expect((await creel('schedules')).stdout).toMatch(
      /export {2}[^]*paused: paused by .*creel schedules resume export/,
    );
    expect((await creel('schedules', 'resume', 'export')).stdout).toBe('export runs again');
    expect((await listed())['export']).toMatchObject({ paused: false });
    expect(await creel('schedules', 'pause', 'reports')).toMatchObject({ exitCode: 2 });
  });

  it('the heartbeat calls by itself, also after the worker was killed, and is gone without a URL', async () => {
    settings(beating);
    expect(await apply()).toMatchObject({ heartbeat: 'created' });
    const beats = () => new DirectoryHeartbeat(ground.root).beats();
    await poll(beats).toBeGreaterThan(1);
    await ground.killWorkers();
    const before = beats();
    worker = await ground.startWorker();
    await poll(beats).toBeGreaterThan(before + 1);
    await poll(async () => (await listed())['heartbeat']?.last?.how).toBe('completed');
    expect((await listed())['heartbeat']?.last?.workflowId).toMatch(/^scheduled\/heartbeat-20\d\d-\d\d-\d\dT[\d:]+Z$/);
    settings('');
    expect(await apply()).toMatchObject({ heartbeat: 'removed' });
  });

  it('an export that was due while no worker ran is written by the next one, whole and for its owner alone', async () => {
    settings('');
    await apply();
    await stage.provision();
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
    worker.kill('SIGKILL');
    await ground.killWorkers();
    await trigger('export');
    worker = await ground.startWorker();
    await poll(async () => (await listed())['export']?.last?.how).toBe('completed');
    const [name = ''] = exportsIn();
    const written = path.join(ground.root, 'exports', name);
    expect(statSync(written).mode & 0o777).toBe(0o600);
    const lines = readFileSync(written, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    const { life } = await stage.describe();
    expect(lines[0]).toMatchObject({ creel: 'export', form: 1, deployment: testDeployment });
    expect(lines[1]).toMatchObject({ gateway: stage.id, phase: 'ready', life });
    expect(lines.at(-1)).toEqual({ end: { gateways: 1, silent: [] } });
    expect(exportsIn().filter((each) => each.endsWith('.part'))).toEqual([]);
  });

  it('an export is written by hand, to a file for its owner alone or to the standard output', async () => {
    const out = path.join(ground.root, 'by-hand.jsonl');
    expect(await creel('export', '--out', out)).toMatchObject({ exitCode: 0, stdout: '1 record written' });
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const { stdout } = await creel('export');
    const [head, ...lines] = stdout.split('\n');
    expect(JSON.parse(head ?? '')).toMatchObject({ creel: 'export' });
    expect(lines).toEqual(readFileSync(out, 'utf8').trimEnd().split('\n').slice(1));
    expect(stdout).not.toContain(ground.world.deps.keys.token(ground.world.gateway(stage.id)).reveal());
  });

  it('of the exports so many stay as the settings say, and what else lies there is let be', async () => {
    mkdirSync(path.join(ground.root, 'exports'), { recursive: true });
    writeFileSync(path.join(ground.root, 'exports', 'notes.txt'), 'mine');
    for (let run = 0; run < 3; run += 1) {
      const before = (await listed())['export']?.last?.workflowId;
      await trigger('export');
      await poll(async () => {
        const { workflowId, how } = (await listed())['export']?.last ?? {};
        return workflowId !== before && how;
      }).toBe('completed');
    }
    expect(exportsIn()).toHaveLength(3);
    expect(exportsIn()).toContain('notes.txt');
  });

  it('a rotation by schedule goes through the fleet in a run of its own', async () => {
    const other = new DirectoryStage(ground);
    other.use(client);
    await other.provision({ spec: { ...ground.world.gateway('x').spec, rotation: 'scheduled' } });
    const { life } = await other.settled();
    await trigger('rotation');
    const after = await other.until((found) => found.life?.tokenGeneration !== life?.tokenGeneration);
    expect(after.life?.tokenGeneration).toBe(2);
    await poll(async () => (await listed())['rotation']?.last?.how).toBe('completed');
    expect((await stage.describe()).life?.tokenGeneration).toBe(1);
  });

  it('creel doctor names a heartbeat that nobody hears, and a schedule that a failure paused, until they are well', async () => {
    type Finding = { about: string; is: string; says: string; cure?: string };
    const unwell = async () => {
      const { findings } = JSON.parse((await creel('doctor', '--json')).stdout) as { findings: Finding[] };
      return findings.filter(({ about, is }) => about.startsWith('schedule') && is !== 'ok');
    };
    settings('');
    await apply();
    expect(await unwell()).toEqual([]);
    ground.interferences.set('callHeartbeat', 'none', 'fail');
    ground.interferences.set('findNewestKey', 'none', 'fail');
    settings(beating);
    await apply();
    await trigger('rotation');
    await poll(async () => (await listed())['rotation']?.paused).toBe(true);
    await creel('schedules', 'resume', 'rotation');
    await trigger('rotation');
    await poll(async () => (await unwell()).map(({ about }) => about).toSorted()).toEqual([
      'schedule heartbeat',
      'schedule rotation',
    ]);
    expect(await unwell()).toContainEqual({
      about: 'schedule rotation',
      is: 'warn',
      says: expect.stringMatching(/^paused, because a run of it failed \(/),
      cure: expect.stringContaining('`creel schedules resume rotation`'),
    });
    ground.interferences.clear('callHeartbeat', 'none');
    ground.interferences.clear('findNewestKey', 'none');
    await creel('schedules', 'resume', 'rotation');
    await trigger('rotation');
    await poll(unwell).toEqual([]);
    settings('');
    await apply();
  });

  it('a sweep by schedule looks at every engine and touches nothing that lives', async () => {
    const there = ground.world.engine.leftovers();
    await trigger('sweep');
    await poll(async () => (await listed())['sweep']?.last?.how).toBe('completed');
    const { workflowId = '' } = (await listed())['sweep']?.last ?? {};
    expect(await client.workflow.getHandle(workflowId).result()).toMatchObject({ outcome: 'done', dryRun: false });
    expect(ground.world.engine.leftovers()).toEqual(there);
  });

  it('a look at what is not as recorded goes by schedule', async () => {
    await trigger('reconcile');
    await poll(async () => (await listed())['reconcile']?.last?.how).toBe('completed');
    const { workflowId = '' } = (await listed())['reconcile']?.last ?? {};
    expect(await client.workflow.getHandle(workflowId).result()).toMatchObject({ dryRun: false, drifted: [] });
  });

  it('gateways on another image than their release are named to a person once a week (S2-39)', async () => {
    settings('');
    await apply();
    await trigger('drift');
    await poll(async () => (await listed())['drift']?.last?.how).toBe('completed');
    const drifted = () => new DirectoryPager(ground.root).pages().filter(({ title }) => /another image/.test(title));
    expect(drifted()).toEqual([]);
    ground.world.engine.addImage('creel/openclaw:2026.9.6', {
      id: `sha256:${'e'.repeat(64)}`,
      labels: { 'creel.release': '2026.9.6', 'creel.capabilities': 'startupz,hot-reload-token' },
    });
    await trigger('drift');
    await poll(drifted).toHaveLength(1);
    expect(drifted()[0]?.text).toContain(`${stage.id}: its image is`);
  });
});
