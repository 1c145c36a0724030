import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import getPort from 'get-port';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseRoutes } from '../../src/adapters/hosts/kernel.js';
import { LocalHost } from '../../src/adapters/hosts/local-host.js';
import { describeEngine, demandFit } from '../../src/domain/hosts/engine.js';
import { NotYet, Refused } from '../../src/domain/errors.js';
import { foundSocket } from '../ground/found.js';
import { listen } from '../ground/listen.js';
import { DirectoryEngine } from '../world/directory-engine.js';
import { DirectoryHost } from '../world/directory-host.js';
import { hostContract } from './host-contract.js';
import { ScriptedEngine } from '../ground/engines/scripted-engine.js';

const place = { provider: 'local', host: 'local' } as const;

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-host-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

hostContract('a host that is a directory', () => {
  const engine = new DirectoryEngine(root);
  return {
    host: new DirectoryHost(root),
    again: new DirectoryHost(root),
    occupyPort: async (port) => {
      engine.occupyPort(port, true);
      return async () => engine.occupyPort(port, false);
    },
  };
});

const local = () => new LocalHost({ socketPath: foundSocket(), signal: () => undefined });

hostContract('this machine', () => ({
  host: local(),
  again: local(),
  occupyPort: (port) => listen(port, '127.0.0.1'),
}));

test('a listener on all addresses takes the port of 127.0.0.1 too', async () => {
  const port = await getPort();
  const release = await listen(port, '0.0.0.0');
  expect(await local().isPortTaken(place, port)).toBe(true);
  await release();
});

test('free disk is what the directories have that the engine names, as df sees it', async () => {
  const { freeDiskBytes, fullestDirectory, unseenDirectories } = await local().readHost(place);
  const { stdout } = await execa('curl', ['-s', '--unix-socket', foundSocket(), 'http://engine/info']);
  const { DockerRootDir } = JSON.parse(stdout) as { DockerRootDir: string };
  if (!fs.existsSync(DockerRootDir)) return expect(unseenDirectories).toContain(DockerRootDir);
  const directory = fullestDirectory ?? '';
  const kilobytes = execFileSync('df', ['-Pk', directory], { encoding: 'utf8' }).split('\n')[1]?.split(/\s+/)[3];
  const difference = Math.abs((freeDiskBytes ?? 0) - Number(kilobytes) * 1024);
  expect(difference).toBeLessThan(2 * 1024 ** 3);
});

describe('what engines say of themselves', () => {
  const script = new ScriptedEngine();
  beforeAll(() => script.open().then(() => undefined));
  afterAll(() => script.close());
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-root-'));
  afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));
  const info = {
    ID: 'd0d0',
    Architecture: 'aarch64',
    NCPU: 2,
    MemTotal: 4 * 1024 ** 3,
    DockerRootDir: directory,
    Driver: 'overlay2',
    DriverStatus: [['Backing Filesystem', 'extfs']],
    SecurityOptions: ['name=seccomp,profile=default'],
    OSType: 'linux',
    MemoryLimit: true,
    CpuCfsQuota: true,
    PidsLimit: true,
  };
  const version = { Version: '29.0.1', ApiVersion: '1.52', Components: [{ Name: 'Engine', Version: '29.0.1' }] };
  const ask = (changedInfo: object, changedVersion: object = {}) => {
    script.answer = (request) => {
      const body = request === 'GET /info' ? { ...info, ...changedInfo } : { ...version, ...changedVersion };
      return { status: 200, body };
    };
    return new LocalHost({ socketPath: script.socketPath, signal: () => undefined }).readHost(place);
  };

  const containerd = {
    Driver: 'overlayfs',
    DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
    CgroupVersion: '2',
  };

  test.each([
    [{}, {}, 'Docker 29.0.1 (API 1.52, overlay2)'],
    [
      containerd,
      {},
      'Docker 29.0.1 (API 1.52, overlayfs of containerd, cgroup v2); creel was not tried on one like it',
    ],
    [
      { CgroupVersion: '1' },
      { Version: '20.10.24+dfsg1', ApiVersion: '1.41' },
      'Docker 20.10.24+dfsg1 (API 1.41, overlay2, cgroup v1)',
    ],
    [
      { SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless'] },
      {},
      'rootless Docker 29.0.1 (API 1.52, overlay2); creel was not tried on one like it',
    ],
    [
      { SecurityOptions: ['name=userns'] },
      {},
      'Docker 29.0.1 with userns-remap (API 1.52, overlay2); creel was not tried on one like it',
    ],
    [
      {},
      { Version: '31.0.0', ApiVersion: '1.60' },
      'Docker 31.0.0 (API 1.60, overlay2); creel was not tried on one like it',
    ],
    [
      {},
      { Version: '4.9.3', Components: [{ Name: 'Podman Engine', Version: '5.4.2' }] },
      'Podman 5.4.2 (API 1.52, overlay2); creel was not tried on one like it',
    ],
  ])('%j %j: %s', async (changedInfo, changedVersion, line) => {
    expect(describeEngine((await ask(changedInfo, changedVersion)).engine)).toBe(line);
  });

  test('limits that an engine denies or leaves out are none (NAS kernels, rootless without delegation)', async () => {
    const { engine } = await ask({ MemoryLimit: false, CpuCfsQuota: undefined });
    expect(engine.limits).toEqual({ memory: false, cpus: false, processes: true });
    expect(() => demandFit(engine, 'host local')).toThrow(/cannot limit processors, memory of a container/);
  });

  test('a disk counts where a containerd of the system keeps the images, and is said when nobody here can see it', async () => {
    const own = await ask(containerd);
    const seen = fs.existsSync('/var/lib/containerd');
    expect(own.unseenDirectories).toEqual(seen ? [] : ['/var/lib/containerd']);
    expect(own.freeDiskBytes).toBeGreaterThan(0);
    fs.mkdirSync(path.join(directory, 'containerd', 'daemon'), { recursive: true });
    expect(await ask(containerd)).toMatchObject({ fullestDirectory: directory, unseenDirectories: [] });
    const elsewhere = await ask({ DockerRootDir: '/nowhere/docker' });
    expect(elsewhere).toMatchObject({ unseenDirectories: ['/nowhere/docker'], fullestDirectory: undefined });
    expect(elsewhere.freeDiskBytes).toBeUndefined();
    expect(describeEngine(elsewhere.engine, elsewhere.unseenDirectories)).toBe(
      'Docker 29.0.1 (API 1.52, overlay2); the free disk of /nowhere/docker cannot be seen from the worker',
    );
  });

  test('an answer that is none is refused in one sentence, naming the part', async () => {
    await expect(ask({ NCPU: 'two' })).rejects.toThrow(Refused);
    await expect(ask({ NCPU: 'two' })).rejects.toThrow(/ask what the host has: creel cannot read the answer \(NCPU:/);
  });
});

test('routes are read from the kernel’s table: neither the default one nor what leads to containers', () => {
  const table = [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    'eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
    'tun0\t0000D50A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
    'br-0123456789ab\t1000D60A\t00000000\t0001\t0\t0\t0\tF0FFFFFF\t0\t0\t0',
    'docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
    '',
  ].join('\n');
  expect(parseRoutes(table)).toEqual([
    { cidr: '192.168.1.0/24', device: 'eth0' },
    { cidr: '10.213.0.0/16', device: 'tun0' },
  ]);
});

test('an engine that does not answer is not yet, naming where it was asked', async () => {
  const host = new LocalHost({ socketPath: '/nowhere/docker.sock', signal: () => undefined });
  await expect(host.readHost(place)).rejects.toThrow(NotYet);
  await expect(host.readHost(place)).rejects.toThrow('/nowhere/docker.sock');
});

test('a directory host whose engine is down is not yet', async () => {
  const own = path.join(root, 'down');
  const host = new DirectoryHost(own);
  new DirectoryEngine(own).setDown(true);
  await expect(host.readHost(place)).rejects.toThrow(NotYet);
});
