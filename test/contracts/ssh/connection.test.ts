import fs from 'node:fs';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import getPort from 'get-port';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DockerodeEngine } from '../../../src/adapters/docker/engine.js';
import { EngineIdentity } from '../../../src/adapters/docker/identity.js';
import { LocalHost } from '../../../src/adapters/hosts/local-host.js';
import { SshConnection } from '../../../src/adapters/ssh/connection.js';
import { sshLimits } from '../../../src/adapters/ssh/limits.js';
import { RemoteHost } from '../../../src/adapters/ssh/remote-host.js';
import { Away, Foreign, NotYet, Refused } from '../../../src/domain/errors.js';
import type { SshHost } from '../../../src/domain/hosts/ssh-host.js';
import { EngineProxy } from '../../ground/engines/engine-proxy.js';
import { patienceMs } from '../../ground/patience.js';
import { ScriptedEngine } from '../../ground/engines/scripted-engine.js';
import { SshMachine } from '../../ground/engines/ssh-machine.js';

const never = () => undefined;
const place = { provider: 'local', host: 'b1' } as const;
const volume = { status: 200, body: { Name: 'v', Labels: {} } };

/** Silent cuts are noticed within half a second. */
const quick = { ...sshLimits, connectMs: 2_000, keepAliveMs: 150, keepAlivesMissed: 2 };

let machine: SshMachine;
let script: ScriptedEngine;
let hosts: RemoteHost[];

beforeEach(async () => {
  machine = await new SshMachine().open();
  script = await new ScriptedEngine().open();
  script.answer = () => volume;
  hosts = [];
});
afterEach(async () => {
  for (const host of hosts) host.close();
  await script.close();
  await machine.close();
});

function host(change: Partial<SshHost> = {}, limits = sshLimits): RemoteHost {
  const made = new RemoteHost({ ...machine.settings(script.socketPath), ...change }, { signal: never, limits });
  hosts.push(made);
  return made;
}

const engineOf = (at: RemoteHost) => new DockerodeEngine(at.engine);

describe('one connection', () => {
  test('carries whatever is asked at once, and is made again when it was cut', async () => {
    const engine = engineOf(host());
    await Promise.all(Array.from({ length: 40 }, () => engine.findVolume('v')));
    expect(machine.connections).toBe(1);
    machine.cut();
    await expect
      .poll(() => engine.findVolume('v').catch(() => undefined), { timeout: patienceMs })
      .toMatchObject({ name: 'v' });
    expect(machine.connections).toBe(2);
  });

  test('is closed when nobody has used it for a while, and whoever asks next gets another', async () => {
    const engine = engineOf(host({}, { ...sshLimits, idleMs: 50 }));
    await engine.findVolume('v');
    await expect.poll(() => machine.present, { timeout: patienceMs }).toBe(0);
    expect(await engine.findVolume('v')).toMatchObject({ name: 'v' });
    expect(machine.connections).toBe(2);
  });

  test('takes no more from a sender than is read', async () => {
    const total = 32 * 1024 * 1024;
    const server = net.createServer((socket) => socket.end(Buffer.alloc(total)));
    const port = await listening(server);
    const stream = await host().dial(port);
    let taken = 0;
    stream.once('data', (chunk: Buffer) => {
      taken += chunk.length;
      stream.pause();
    });
    await expect.poll(() => taken, { timeout: patienceMs }).toBeGreaterThan(0);
    const held = () => stream.readableLength;
    let before = -1;
    await expect.poll(() => before === (before = held()), { timeout: patienceMs, interval: 300 }).toBe(true);
    expect(held()).toBeLessThan(8 * 1024 * 1024);
    for await (const chunk of stream) taken += Buffer.isBuffer(chunk) ? chunk.length : 0;
    expect(taken).toBe(total);
    server.close();
  });
});

describe('who is at the other end', () => {
  test('another host key is foreign, and not even our key is shown', async () => {
    const other = await new SshMachine().open();
    const { hostKey } = other.settings(script.socketPath);
    await other.close();
    const asked = engineOf(host({ hostKey })).findVolume('v');
    await expect(asked).rejects.toThrow(Foreign);
    await expect(asked).rejects.toThrow(/host b1 .*SHA256:.*runbook.md#another-host-key/);
    expect(machine.connections).toBe(0);
  });

  test('a host key of another type is foreign', async () => {
    const hostKey = { type: 'ssh-rsa', base64: 'AAAA' };
    await expect(engineOf(host({ hostKey })).findVolume('v')).rejects.toThrow(Foreign);
  });

  test('a key that opens nothing is refused, naming user and file', async () => {
    const other = await new SshMachine().open();
    const identityFile = `${machine.identityFile}.other`;
    fs.copyFileSync(other.identityFile, identityFile);
    await other.close();
    const asked = engineOf(host({ identityFile })).findVolume('v');
    await expect(asked).rejects.toThrow(Refused);
    await expect(asked).rejects.toThrow(/does not let this worker in.*id\.other.*authorized_keys of creel/);
  });

  test.each([
    ['is missing', (file: string) => fs.rmSync(file), /there is no key at/],
    ['can be read by others', (file: string) => fs.chmodSync(file, 0o644), /chmod 600/],
    ['is none', (file: string) => fs.writeFileSync(file, 'no key'), /is no private key/],
  ])('a key file that %s is refused', async (_, spoil, said) => {
    spoil(machine.identityFile);
    const asked = engineOf(host()).findVolume('v');
    await expect(asked).rejects.toThrow(Refused);
    await expect(asked).rejects.toThrow(said);
  });

  test('another engine behind the same host is foreign, also after the connection was made anew', async () => {
    const at = host();
    script.answer = (asked) => (asked.endsWith('/info') ? { status: 200, body: { ID: 'engine-one' } } : volume);
    const identity = new EngineIdentity(at.engine);
    const engine = new DockerodeEngine({ ...at.engine, identity: identity.of({ ...place, engine: 'engine-one' }) });
    expect(await engine.findVolume('v')).toMatchObject({ name: 'v' });
    script.answer = (asked) => (asked.endsWith('/info') ? { status: 200, body: { ID: 'engine-two' } } : volume);
    at.close();
    const asked = engine.createVolume({ name: 'v', labels: {} });
    await expect(asked).rejects.toThrow(Foreign);
    await expect(asked).rejects.toThrow(/docker\.sock|creel-script.* on host b1/);
  });
});

describe('what is away', () => {
  test('a host where nobody listens is away, naming it', async () => {
    const at = host({ port: await getPort() });
    const asked = engineOf(at).findVolume('v');
    await expect(asked).rejects.toThrow(Away);
    await expect(asked).rejects.toThrow(/host b1 \(creel@127\.0\.0\.1:\d+\) does not answer over SSH/);
    await expect(at.isPortTaken(place, 1)).rejects.toThrow(Away);
  });

  test('a host that takes a connection and says nothing is away', async () => {
    machine.freeze();
    await expect(engineOf(host({}, quick)).findVolume('v')).rejects.toThrow(Away);
  });

  test('a host without an engine is away, and says what to start', async () => {
    const asked = engineOf(host({ socketPath: '/nowhere/docker.sock' })).findVolume('v');
    await expect(asked).rejects.toThrow(Away);
    await expect(asked).rejects.toThrow(/no Docker engine answers at \/nowhere\/docker\.sock on host b1/);
  });

  test('a port where nothing listens is not yet, and nothing of the host’s', async () => {
    const at = host();
    await expect(at.dial(1)).rejects.toThrow(NotYet);
    await expect(at.dial(1)).rejects.not.toThrow(Away);
    expect(await at.isPortTaken(place, 1)).toBe(false);
  });

  test('a key that may forward nothing is refused, naming the setting', async () => {
    machine.rights.forwarding = false;
    await expect(engineOf(host()).findVolume('v')).rejects.toThrow(/AllowStreamLocalForwarding/);
    await expect(host().dial(1)).rejects.toThrow(/AllowTcpForwarding/);
  });
});

describe('a cut', () => {
  test.each([
    ['that is told', sshLimits, () => machine.cut()],
    ['that nobody is told of', quick, () => machine.freeze()],
  ])('%s ends a request with an error of which nobody knows whether it was done', async (_, limits, cut) => {
    const proxy = await new EngineProxy(script.socketPath).open();
    proxy.manner = 'silent';
    let asked = 0;
    script.answer = () => {
      asked += 1;
      return volume;
    };
    const request = engineOf(host({ socketPath: proxy.socketPath }, limits)).createVolume({ name: 'v', labels: {} });
    const end = request.then(
      () => 'done',
      (error: unknown) => error,
    );
    await expect.poll(() => asked, { timeout: patienceMs }).toBe(1);
    cut();
    const error = await end;
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(NotYet);
    expect(String(error)).toMatch(/host b1 .*hung up during create volume v/);
    await proxy.close();
  });

  test('of one stream by whoever listens there is a reset to who writes on, as Docker does before a gateway listens', async () => {
    const server = net.createServer((socket) => socket.end('unread'));
    const stream = await host().dial(await listening(server));
    const failed = new Promise((resolve) => {
      stream.once('error', resolve);
    });
    const pace = setInterval(() => stream.write('GET / HTTP/1.1\r\n\r\n'), 5);
    expect(await failed).toMatchObject({ code: 'ECONNRESET' });
    clearInterval(pace);
    server.close();
  });

  test('of an open stream is an error there, and no end', async () => {
    const server = net.createServer((socket) => void socket.write('half'));
    const port = await listening(server);
    const stream = await host().dial(port);
    const heard = text(stream);
    stream.once('data', () => machine.cut());
    await expect(heard).rejects.toThrow(/the SSH connection to host b1 .* was cut/);
    server.close();
  });

  test('of a stream that lies idle ends no process', async () => {
    const connection = new SshConnection(machine.settings(script.socketPath));
    const stream = connection.toSocket(script.socketPath);
    await new Promise((resolve) => stream.once('open', resolve));
    machine.cut();
    await expect.poll(() => stream.destroyed, { timeout: patienceMs }).toBe(true);
  });
});

describe('what a machine tells of itself', () => {
  const infoOf = (memory: number) => ({
    ID: 'engine-one',
    Architecture: 'x86_64',
    NCPU: 2,
    MemTotal: memory,
    DockerRootDir: '/',
    Driver: 'overlay2',
    MemoryLimit: true,
    CpuCfsQuota: true,
    PidsLimit: true,
  });
  const kilobytes = () => Number(/MemTotal: +(\d+) kB/.exec(fs.readFileSync('/proc/meminfo', 'utf8'))?.[1]);
  beforeEach(() => {
    script.answer = (asked) =>
      asked.endsWith('/info')
        ? { status: 200, body: infoOf(kilobytes() * 1024) }
        : { status: 200, body: { Version: '29.0.1', ApiVersion: '1.52' } };
  });

  test('is what is seen there without SSH: memory, disk, routes and watchers', async () => {
    const nearHost = new LocalHost({ socketPath: script.socketPath, signal: never });
    // Others start and end programs and networks here, between one look and the next.
    const { near, far } = await vi.waitFor(
      async () => {
        const looks = { near: await nearHost.readHost(place), far: await host().readHost(place) };
        expect(looks.far.routes).toEqual(looks.near.routes);
        expect(looks.far.watchers).toEqual(looks.near.watchers);
        expect(looks.far.watchers?.used).toEqual(expect.any(Number));
        return looks;
      },
      { timeout: 60_000 },
    );
    expect(far).toMatchObject({ engineId: 'engine-one', fullestDirectory: '/', unseenDirectories: [] });
    expect(Math.abs((far.availableMemoryMb ?? 0) - (near.availableMemoryMb ?? 0))).toBeLessThan(2_000);
    expect(Math.abs((far.freeDiskBytes ?? 0) - (near.freeDiskBytes ?? 0))).toBeLessThan(2 * 1024 ** 3);
  });

  test('is not known where the key gives no command, and that is no failure', async () => {
    machine.rights.commands = false;
    expect(await host().readHost(place)).toMatchObject({
      engineId: 'engine-one',
      availableMemoryMb: undefined,
      routes: undefined,
      watchers: undefined,
      freeDiskBytes: undefined,
      unseenDirectories: ['/'],
    });
  });

  test('is not known of another machine than the engine’s', async () => {
    script.answer = (asked) =>
      asked.endsWith('/info')
        ? { status: 200, body: infoOf(12_345_678) }
        : { status: 200, body: { Version: '29.0.1', ApiVersion: '1.52' } };
    expect(await host().readHost(place)).toMatchObject({ availableMemoryMb: undefined, routes: undefined });
  });
});

async function listening(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens nowhere');
  return address.port;
}
