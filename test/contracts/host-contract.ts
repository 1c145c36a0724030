import getPort from 'get-port';
import { describe, expect, test } from 'vitest';
import { describeEngine, demandFit } from '../../src/domain/hosts/engine.js';
import type { HostProvider } from '../../src/ports/host-provider.js';

const place = { provider: 'local', host: 'local' } as const;

type HostUnderTest = {
  readonly host: HostProvider;
  readonly again: HostProvider;
  readonly occupyPort: (port: number) => Promise<() => Promise<void>>;
};

/** What `HostProvider` promises, held against any implementation. */
export function hostContract(title: string, open: () => HostUnderTest): void {
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
      const { engineId, upSince } = await again.readHost(place);
      expect({ engineId, upSince }).toEqual({ engineId: facts.engineId, upSince: facts.upSince });
      expect(Date.parse(upSince ?? '')).toBeLessThan(facts.clockMs ?? 0);
    });

    test('the engine says what it is and what it can limit, in a line for people too', async () => {
      const { engine } = await open().host.readHost(place);
      expect(engine.product).toBe('Docker');
      expect(engine.version).toMatch(/^\d+\.\d+/);
      expect(engine.apiVersion).toMatch(/^1\.\d+$/);
      expect(engine.store).not.toBe('');
      expect(engine).toMatchObject({ os: 'linux', limits: { memory: true, cpus: true, processes: true } });
      expect(() => demandFit(engine, 'host local')).not.toThrow();
      expect(describeEngine(engine)).toContain(`Docker ${engine.version}`);
    });

    test('routes are networks, and the watchers that are taken are no more than there may be', async () => {
      const { routes, watchers } = await open().host.readHost(place);
      for (const { cidr, device } of routes ?? []) {
        expect(cidr).toMatch(/^\d+\.\d+\.\d+\.\d+\/(?:[1-9]|[12]\d|3[0-2])$/);
        expect(device).not.toBe('');
      }
      expect(watchers?.used ?? 0).toBeLessThanOrEqual(watchers?.limit ?? 0);
    });

    test('another engine than the place names is foreign, and the one it names is not', async () => {
      const { host } = open();
      const { engineId } = await host.readHost(place);
      expect((await host.readHost({ ...place, engine: engineId })).engineId).toBe(engineId);
      const elsewhere = host.readHost({ ...place, engine: 'another-engine' });
      await expect(elsewhere).rejects.toMatchObject({
        name: 'Foreign',
        message: expect.stringMatching(`${engineId}.*another-engine`),
      });
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
