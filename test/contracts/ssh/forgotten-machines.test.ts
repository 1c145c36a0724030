import { Duplex } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { ReachedHosts, type Reached } from '../../../src/adapters/hosts/reached-hosts.js';
import { machineUnusedMs } from '../../../src/domain/thresholds.js';
import type { HostProvider } from '../../../src/ports/host-provider.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { scratchDirectory } from '../../world/scratch.js';

afterEach(() => void vi.useRealTimers());

test('a machine that nobody has asked for in a day is let go, and found anew when somebody does', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const host: HostProvider = new DirectoryHost(scratchDirectory('creel-reached-'));
  const found: string[] = [];
  const closed: string[] = [];
  const way = (name: string): Reached => ({
    name,
    host,
    engine: { socketPath: '/nowhere', signal: () => undefined },
    dial: async () => new Duplex(),
    close: () => closed.push(name),
  });
  const reached = new ReachedHosts(way('local'), [], undefined, (place) => {
    found.push(place.host);
    return way(place.host);
  });
  const ask = (name: string) => reached.isPrepared({ provider: 'lightsail', region: 'eu-central-1', host: name });
  await ask('one');
  await ask('two');
  vi.setSystemTime(Date.now() + machineUnusedMs);
  await ask('two');
  vi.setSystemTime(Date.now() + 1);
  await ask('two');
  expect({ found, closed }).toEqual({ found: ['one', 'two'], closed: ['one'] });
  await ask('one');
  expect(found).toEqual(['one', 'two', 'one']);
  reached.close();
  expect(closed.toSorted()).toEqual(['local', 'one', 'one', 'two']);
});
