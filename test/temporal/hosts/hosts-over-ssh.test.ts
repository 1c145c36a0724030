import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SshHost } from '../../../src/domain/hosts/ssh-host.js';
import { patienceMs } from '../../ground/patience.js';
import { ScriptedEngine } from '../../ground/engines/scripted-engine.js';
import { TestServer } from '../../ground/server.js';
import { SshMachine, tableOf } from '../../ground/engines/ssh-machine.js';
import { scratchDirectory } from '../../world/scratch.js';

/** A machine behind SSH with an engine that says who it is. */
type Machine = { readonly ssh: SshMachine; readonly engine: ScriptedEngine; become(id: string): void };

async function machine(id: string): Promise<Machine> {
  const [ssh, engine] = await Promise.all([new SshMachine().open(), new ScriptedEngine().open()]);
  const info = {
    Architecture: 'x86_64',
    NCPU: 2,
    MemTotal: 2 ** 33,
    DockerRootDir: '/',
    Driver: 'overlay2',
    MemoryLimit: true,
    CpuCfsQuota: true,
    PidsLimit: true,
  };
  const become = (now: string) => {
    engine.answer = (asked) => {
      if (asked === 'GET /info') return { status: 200, body: { ...info, ID: now } };
      if (asked === 'GET /version') return { status: 200, body: { Version: '29.0.1', ApiVersion: '1.52' } };
      return { status: 404, body: { message: 'not scripted' } };
    };
  };
  become(id);
  return { ssh, engine, become };
}

describe('Docker hosts over SSH', () => {
  let server: TestServer;
  let home: string;
  let one: Machine;
  let two: Machine;
  const workers: ChildProcess[] = [];

  beforeAll(async () => {
    server = await TestServer.start();
    home = scratchDirectory('creel-hosts-');
    expect(await creel('init', '--namespace', 'default')).toMatchObject({ exitCode: 0 });
  });
  afterAll(async () => {
    await server.stop();
    fs.rmSync(home, { recursive: true, force: true });
  });
  beforeEach(async () => {
    [one, two] = await Promise.all([machine('engine-one'), machine('engine-two')]);
  });
  afterEach(async () => {
    for (const worker of workers.splice(0)) worker.kill('SIGKILL');
    for (const { ssh, engine } of [one, two]) await Promise.all([ssh.close(), engine.close()]);
  });

  const environment = () => ({
    PATH: process.env['PATH'],
    HOME: home,
    TEMPORAL_ADDRESS: server.address,
    CREEL_DOCKER: 'unix:///nowhere/docker.sock',
  });

  function creel(...args: string[]) {
    const env = environment();
    return execa(process.execPath, ['bin/creel.mjs', ...args], {
      env,
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
    });
  }

  /** Starts a worker without an engine of its own that reaches these hosts; what it writes is collected. */
  function startWorker(...hosts: readonly SshHost[]): { worker: ChildProcess; said: () => string } {
    const file = path.join(home, `hosts-${workers.length}.toml`);
    fs.writeFileSync(file, hosts.map(tableOf).join('\n'));
    const env = { ...environment(), CREEL_HOSTS: file };
    const worker = spawn(process.execPath, [path.resolve('dist/src/worker.js')], { env });
    workers.push(worker);
    let text = '';
    for (const stream of [worker.stdout, worker.stderr]) stream?.on('data', (chunk) => (text += String(chunk)));
    return { worker, said: () => text };
  }

  async function engines(): Promise<{ engine: string; host: string; attended: boolean }[]> {
    const { stdout } = await creel('engine', 'list', '--json');
    const { engines: listed }: { engines: { engine: string; host: string; attended: boolean }[] } = JSON.parse(stdout);
    return listed.map(({ engine, host, attended }) => ({ engine, host, attended }));
  }

  it('one worker serves the engines of all its hosts, another one the same, and each is known by its host', async () => {
    const hosts = [one.ssh.settings(one.engine.socketPath, 'b1'), two.ssh.settings(two.engine.socketPath, 'b2')];
    const first = startWorker(...hosts);
    const both = [
      { engine: 'engine-one', host: 'b1', attended: true },
      { engine: 'engine-two', host: 'b2', attended: true },
    ];
    await expect.poll(engines, { timeout: patienceMs }).toEqual(expect.arrayContaining(both));
    const second = startWorker(...hosts);
    await expect
      .poll(() => second.said().match(/the worker serves its engine/g)?.length, { timeout: patienceMs })
      .toBe(2);
    expect(first.said() + second.said()).not.toContain('two machines claim');
    expect((await creel('engine', 'list')).stdout).toMatch(/^engine-one +b1 +a worker beside it +0 gateways$/m);
    const unknown = await creel('provision', 'g1', '--release', '2026.9.6', '--host', 'b9', '--dry-run');
    expect(unknown).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/no worker ever served a host b9.*(b1, b2|b2, b1)/),
    });
    const twice = await creel('provision', 'g1', '--release', '2026.9.6', '--host', 'b1', '--engine', 'x');
    expect(twice.stderr).toContain('--engine and --host exclude each other');
    first.worker.kill('SIGTERM');
    expect(await once(first.worker, 'exit')).toEqual([0, null]);
  });

  it('a host that answers with another engine than it has on record is not served, until its settings name that one', async () => {
    const settings = one.ssh.settings(one.engine.socketPath, 'b3');
    one.become('engine-three');
    const first = startWorker(settings);
    await expect.poll(first.said, { timeout: patienceMs }).toContain('the worker serves its engine');
    await expect.poll(engines, { timeout: patienceMs }).toContainEqual(expect.objectContaining({ host: 'b3' }));
    first.worker.kill('SIGKILL');
    one.become('engine-four');
    const second = startWorker(settings);
    await expect
      .poll(second.said, { timeout: patienceMs })
      .toMatch(/host b3 has engine engine-four now, and it is on record with engine-three/);
    expect(second.said()).not.toContain('the worker serves its engine');
    const third = startWorker({ ...settings, engine: 'engine-four' });
    await expect.poll(third.said, { timeout: patienceMs }).toContain('the worker serves its engine');
  });

  it('two hosts that name one engine are not both served, and what is wrong with one ends nothing else', async () => {
    one.become('engine-five');
    two.become('engine-five');
    const other = await machine('engine-six');
    const hosts = [
      one.ssh.settings(one.engine.socketPath, 'b5'),
      two.ssh.settings(two.engine.socketPath, 'b6'),
      { ...other.ssh.settings(other.engine.socketPath, 'b7'), hostKey: one.ssh.settings('/').hostKey },
      other.ssh.settings(other.engine.socketPath, 'b8'),
    ];
    const { worker, said } = startWorker(...hosts);
    await expect.poll(said, { timeout: patienceMs }).toContain('two machines claim engine engine-five');
    await expect.poll(said, { timeout: patienceMs }).toMatch(/host b7 .*shows another host key/);
    await expect
      .poll(engines, { timeout: patienceMs })
      .toContainEqual(expect.objectContaining({ engine: 'engine-six', host: 'b8', attended: true }));
    expect(worker.exitCode).toBeNull();
    await Promise.all([other.ssh.close(), other.engine.close()]);
  });
});
