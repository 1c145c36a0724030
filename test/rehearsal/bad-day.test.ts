import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalHost } from '../../src/adapters/hosts/local-host.js';
import { Refused } from '../../src/domain/errors.js';
import { fullContract } from '../contracts/engine/full-contract.js';
import { clear, left, Scene, type EngineUnderTest } from '../ground/engines/engine-under-test.js';
import { openDocker } from '../ground/engines/open-docker.js';
import { OwnEngine } from './own-engine.js';

/** What is done to an engine that nobody else uses: it is killed, its disk filled, its firewall flushed. */
const own = new OwnEngine();
let world: EngineUnderTest;
beforeAll(async () => {
  world = await openDocker();
});
afterAll(async () => {
  await clear(world);
  expect(await left(world)).toEqual([]);
});

describe('an engine that is killed between a rename and a start', () => {
  test('has the container under its new name alone, and starts it', async () => {
    const scene = new Scene(world, 'renamed');
    const { id, name } = await scene.container();
    expect(await world.engine.renameContainer(id, `${name}-old`)).toBe('renamed');
    await own.kill();
    await own.start();
    expect(await world.engine.findContainer(name)).toBeUndefined();
    expect(await scene.find(`${name}-old`)).toMatchObject({ id, state: 'created', labels: scene.labels });
    expect(await world.engine.renameContainer(id, name)).toBe('renamed');
    expect(await world.engine.startContainer(id)).toBe('running');
    expect(await scene.find(name)).toMatchObject({ id, state: 'running' });
  });

  test('keeps what ran, and its state can be read', async () => {
    const scene = new Scene(world, 'survivor');
    const { id, name } = await scene.running({ restartPolicy: 'unless-stopped' });
    await own.kill();
    await own.start();
    expect(await scene.find(name)).toMatchObject({ id, labels: scene.labels, imageId: world.imageId });
    expect(await world.engine.startContainer(id)).toBe('running');
    expect((await scene.find(name)).state).toBe('running');
  });
});

fullContract(
  () => world,
  (act) => own.whileFull(act),
);

test('a host whose disk is full says so', async () => {
  const host = new LocalHost({ socketPath: own.socketPath, signal: () => undefined });
  await own.whileFull(async () => {
    const { freeDiskBytes } = await host.readHost({ provider: 'local', host: 'local' });
    expect(freeDiskBytes).toBeLessThan(64 * 1024 ** 2);
  });
});

describe('a firewall that somebody flushed', () => {
  test('refuses a network in one sentence that names the cure, and the cure works', async () => {
    const { base: name, labels } = new Scene(world, 'flushed');
    const network = { name, labels, subnet: world.subnet() };
    for (const table of ['nat', 'filter']) {
      execFileSync('iptables', ['-t', table, '-F']);
      execFileSync('iptables', ['-t', table, '-X']);
    }
    const made = world.engine.createNetwork(network);
    await expect(made).rejects.toThrow(Refused);
    await expect(made).rejects.toThrow(/its firewall rules are gone.*Restart the engine.*#firewall-flushed/s);
    await own.stop();
    await own.start();
    await clearNetworks(name);
    expect(await world.engine.createNetwork(network)).toBe('created');
  });

  async function clearNetworks(name: string): Promise<void> {
    for (const { id } of await world.engine.findNetworks(name)) await world.engine.removeNetwork(id);
  }
});
