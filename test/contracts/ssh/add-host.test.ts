import fs from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHosts } from '../../../src/settings/hosts.js';
import { ScriptedEngine } from '../../ground/engines/scripted-engine.js';
import { SshMachine } from '../../ground/engines/ssh-machine.js';
import { scratchDirectory } from '../../world/scratch.js';

describe('creel hosts add', () => {
  let machine: SshMachine;
  let engine: ScriptedEngine;
  let home: string;

  beforeEach(async () => {
    [machine, engine] = await Promise.all([new SshMachine().open(), new ScriptedEngine().open()]);
    home = scratchDirectory('creel-add-');
    answer({});
  });
  afterEach(async () => {
    await Promise.all([machine.close(), engine.close()]);
    fs.rmSync(home, { recursive: true, force: true });
  });

  function answer(more: Readonly<Record<string, unknown>>): void {
    const limits = { MemoryLimit: true, CpuCfsQuota: true, PidsLimit: true };
    const machineHas = { Architecture: 'x86_64', NCPU: 2, MemTotal: 2 ** 33, DockerRootDir: '/', Driver: 'overlay2' };
    engine.answer = (asked) => {
      if (asked === 'GET /info') return { status: 200, body: { ...limits, ...machineHas, ID: 'engine-one', ...more } };
      if (asked === 'GET /version') return { status: 200, body: { Version: '29.0.1', ApiVersion: '1.52' } };
      return { status: 404, body: { message: 'not scripted' } };
    };
  }

  const file = () => path.join(home, '.config/creel/hosts.toml');
  const settings = (name = 'b1') => machine.settings(engine.socketPath, name);

  function add(name: string, ...more: string[]) {
    const { user, address, port, identityFile, socketPath } = settings();
    const where = ['--ssh', `${user}@${address}:${port}`, '--identity', identityFile, '--socket', socketPath];
    return execa(process.execPath, ['bin/creel.mjs', 'hosts', 'add', name, ...where, ...more], {
      env: { PATH: process.env['PATH'] ?? '', HOME: home },
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
    });
  }

  it('shows the fingerprint of the host key, and names nothing before it was compared', async () => {
    const asked = await add('b1');
    expect(asked.exitCode).not.toBe(0);
    const shown = /shows the host key (SHA256:\S+) \(ssh-ed25519\)\. .*ssh-keygen -lf/.exec(asked.stderr)?.[1] ?? '';
    expect(shown).toMatch(/^SHA256:/);
    expect(fs.existsSync(file())).toBe(false);
    expect((await add('b1', '--yes', 'SHA256:another')).exitCode).not.toBe(0);
    expect(fs.existsSync(file())).toBe(false);
    expect(machine.connections).toBe(0);
    expect(await add('b1', '--yes', shown)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(
        /^b1: Docker 29\.0\.1 .*, engine engine-one, 8 GB of memory, 2 processors\. .*hosts\.toml names it now/,
      ),
    });
    expect(readHosts(undefined, file())).toEqual([settings()]);
  });

  it('asks nothing where the key was read on the host, adds to what is there, and takes no name twice', async () => {
    const { type, base64 } = settings().hostKey;
    const known = ['--host-key', `${type} ${base64} root@b1`];
    for (const name of ['b1', 'b2']) expect(await add(name, ...known, '--json')).toMatchObject({ exitCode: 0 });
    expect(readHosts(undefined, file())).toEqual([settings('b1'), settings('b2')]);
    const before = fs.readFileSync(file(), 'utf8');
    expect((await add('b2', ...known)).stderr).toContain('names a host b2 already');
    expect(fs.readFileSync(file(), 'utf8')).toBe(before);
  });

  it('names no host whose engine could carry no gateway, and none that shows another key', async () => {
    const { type, base64 } = settings().hostKey;
    answer({ MemoryLimit: false });
    expect((await add('b1', '--host-key', `${type} ${base64}`)).stderr).toContain('cannot limit memory');
    const other = await add('b1', '--host-key', `${type} ${base64.slice(0, -6)}AAAAAA`);
    expect(other.stderr).toContain('shows another host key');
    expect(fs.existsSync(file())).toBe(false);
  });
});
