import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import getPort from 'get-port';
import { afterAll, describe, expect, test } from 'vitest';
import { LocalHost } from '../../src/adapters/local-host.js';
import { NotYet } from '../../src/domain/errors.js';
import type { HostProvider } from '../../src/ports/host-provider.js';
import { foundSocket } from '../found.js';
import { DirectoryEngine } from '../world/directory-engine.js';
import { DirectoryHost } from '../world/directory-host.js';

const place = { provider: 'local', host: 'local' } as const;

type HostUnderTest = {
  readonly host: HostProvider;
  readonly again: HostProvider;
  readonly occupyPort: (port: number) => Promise<() => Promise<void>>;
};

/** What `HostProvider` promises, held against any implementation. */
function hostContract(title: string, open: () => HostUnderTest): void {
  describe(title, () => {
    test('the host says what it has, and is the same host to whoever asks', async () => {
      const { host, again } = open();
      const facts = await host.readHost(place);
      expect(facts.engineId).not.toBe('');
      expect(facts.architecture).not.toBe('');
      expect(facts.cpus).toBeGreaterThan(0);
      expect(facts.memoryMb).toBeGreaterThan(1000);
      expect(facts.availableMemoryMb ?? 1).toBeGreaterThan(0);
      expect(facts.availableMemoryMb ?? 0).toBeLessThanOrEqual(facts.memoryMb);
      expect((await again.readHost(place)).engineId).toBe(facts.engineId);
    });

    test('a port is taken while something listens on it, and free before and after', async () => {
      const { host, occupyPort } = open();
      const port = await getPort({ host: '127.0.0.1' });
      expect(await host.isPortTaken(place, port)).toBe(false);
      const release = await occupyPort(port);
      expect(await host.isPortTaken(place, port)).toBe(true);
      await release();
      expect(await host.isPortTaken(place, port)).toBe(false);
    });

    test('looks at one port at once do not take each other for a listener', async () => {
      const { host, again } = open();
      const port = await getPort({ host: '127.0.0.1' });
      const hosts = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? host : again));
      const looks = await Promise.all(hosts.map((each) => each.isPortTaken(place, port)));
      expect(looks).toEqual(hosts.map(() => false));
    });
  });
}

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

test('free disk is what the engine’s own directory has, as df sees it', async () => {
  const { freeDiskBytes } = await local().readHost(place);
  const directory = '/var/lib/docker';
  if (!fs.existsSync(directory)) return expect(freeDiskBytes).toBeUndefined();
  const kilobytes = execFileSync('df', ['-Pk', directory], { encoding: 'utf8' }).split('\n')[1]?.split(/\s+/)[3];
  const difference = Math.abs((freeDiskBytes ?? 0) - Number(kilobytes) * 1024);
  expect(difference).toBeLessThan(2 * 1024 ** 3);
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

async function listen(port: number, address: string): Promise<() => Promise<void>> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, address, resolve);
  });
  return () => new Promise((resolve) => server.close(() => resolve()));
}
