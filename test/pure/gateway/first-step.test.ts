import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import { Foreign, Refused } from '../../../src/domain/errors.js';
import { names, type Gateway } from '../../../src/domain/gateway/gateway.js';
import type { GatewaySpec } from '../../../src/domain/gateway/spec.js';
import { Secret } from '../../../src/domain/secret.js';
import { provisionSteps } from '../../../src/workflows/provision/operation.js';
import { registry } from '../../../src/workflows/operations.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { openTestWorld, testRelease, type TestWorld } from '../../world/open-test-world.js';

const telegram = { kind: 'telegram', secrets: { botToken: 'secret:t' }, allowFrom: [] } as const;

let world: TestWorld;
let g42: Gateway;
beforeEach(() => {
  world = openTestWorld();
  g42 = world.gateway('g42');
});
afterEach(() => world.close());

function asking(spec: Partial<GatewaySpec>): Gateway {
  return { ...g42, spec: { ...g42.spec, ...spec } };
}

/** What the first step says to a gateway that it refuses; nothing may exist afterwards that was not there before. */
async function refusal(gateway: Gateway): Promise<Error> {
  const before = world.engine.leftovers();
  const error: unknown = await world.activities.ensureHost(gateway).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(world.engine.leftovers()).toEqual(before);
  if (error instanceof Error) return error;
  throw new Error('nothing was refused');
}

describe('the first step refuses, before anything exists', () => {
  test('a host without the disk (S4-25) or the memory', async () => {
    const host = new DirectoryHost(world.root);
    host.become({ freeDiskBytes: 1024 ** 3, fullestDirectory: '/var/lib/containerd' });
    expect(await refusal(g42)).toMatchObject({
      name: 'Refused',
      message: expect.stringContaining('1024 MB of free disk in /var/lib/containerd'),
    });
    host.become({ freeDiskBytes: undefined, memoryMb: 1024 });
    expect((await refusal(g42)).message).toContain('has 1024 MB of memory, the spec asks for 2048 MB');
    host.become({ memoryMb: 2048 });
    await world.activities.ensureHost(g42);
  });

  test('a host without the disk that a new gateway is to have, and none for one whose state is there (S4-25)', async () => {
    new DirectoryHost(world.root).become({ freeDiskBytes: 9 * 1024 ** 3 });
    const wide = { ...g42, spec: { ...g42.spec, diskMb: 10_240 } };
    expect(await refusal(wide)).toMatchObject({
      name: 'Refused',
      message:
        'host local has 9.0 GB of free disk, and the spec asks for disk = "10 GB". Ask for less, free some, or choose a larger host',
    });
    await world.activities.ensureHost({ ...wide, spec: { ...wide.spec, diskMb: 9 * 1024 } });
    await world.activities.ensureState(wide);
    await world.activities.ensureHost(wide);
  });

  /** Provisions a gateway as far as its container, unless the first step refuses it. */
  async function admits(id: string, spec: Partial<GatewaySpec> = {}): Promise<boolean> {
    const gateway = { ...world.gateway(id), spec: { ...g42.spec, ...spec } };
    const refused = await world.activities.ensureHost(gateway).catch((error: unknown) => error);
    if (refused !== undefined) return false;
    for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer'] as const)
      await world.activities[step](gateway);
    return true;
  }

  test('a host whose memory other gateways were promised, each its own limit, or somebody else uses', async () => {
    const host = new DirectoryHost(world.root);
    host.become({ memoryMb: 8192 });
    const admitted: string[] = [];
    for (const id of ['g1', 'g2', 'g3', 'g4', 'g5']) if (await admits(id)) admitted.push(id);
    expect(admitted).toEqual(['g1', 'g2', 'g3']);
    expect((await refusal(g42)).message).toMatch(
      /8192 MB of memory; 3 other gateways may take 6144 MB of it, 384 MB are kept for the host itself: 1664 MB are left/,
    );
    expect(await admits('g6', { memoryMb: 1536 }), 'what is left is given').toBe(true);
    host.become({ memoryMb: 65_536, availableMemoryMb: 700 });
    expect((await refusal(g42)).message).toContain('700 MB of memory that nobody uses');
    host.become({ availableMemoryMb: 1024 });
    await world.activities.ensureHost(g42);
  });

  test('a large gateway counts for what it may take, not for 1 GB; one alone may have the whole host', async () => {
    new DirectoryHost(world.root).become({ memoryMb: 16_384 });
    expect(await admits('large', { memoryMb: 16_384 })).toBe(true);
    expect((await refusal(g42)).message).toContain('1 other gateways may take 16384 MB');
  });

  test('more processors than the host has', async () => {
    new DirectoryHost(world.root).become({ cpus: 2 });
    expect((await refusal(asking({ cpus: 8 }))).message).toBe(
      'host local has 2 processors, the spec asks for 8. Ask for 2 at most, or choose a larger host',
    );
    await world.activities.ensureHost(asking({ cpus: 2 }));
  });

  test('a subnet pool that hides a route of the host; of one hidden in part the rest is used', async () => {
    const host = new DirectoryHost(world.root);
    host.become({ routes: [{ cidr: '10.0.0.0/8', device: 'tun0' }] });
    const error = await refusal(g42);
    expect(error.message).toMatch(
      /^subnet pool 10\.213\.0\.0\/16 hides the route of host local to 10\.0\.0\.0\/8 \(tun0\)/,
    );
    expect(error.message).toContain('CREEL_SUBNET_POOL');
    host.become({
      routes: [
        { cidr: '10.213.0.0/17', device: 'tun0' },
        { cidr: '10.213.128.0/18', device: 'eth1' },
        { cidr: '172.16.0.0/12', device: 'eth0' },
      ],
    });
    for (let index = 0; index < 6; index += 1) {
      const gateway = world.gateway(`g${index}`);
      await world.activities.ensureHost(gateway);
      await world.activities.ensureNetwork(gateway);
      const [network] = await world.engine.findNetworks(names(gateway.mark).network);
      expect(Number(network?.subnets[0]?.split('.')[2])).toBeGreaterThanOrEqual(192);
    }
  });

  test('a route that appears later does not touch a network that is there', async () => {
    await world.activities.ensureNetwork(g42);
    new DirectoryHost(world.root).become({ routes: [{ cidr: '10.0.0.0/8', device: 'tun0' }] });
    await world.activities.ensureHost(g42);
    await world.activities.ensureNetwork(g42);
  });

  test('too few inotify instances for one more gateway, with the command', async () => {
    const host = new DirectoryHost(world.root);
    host.become({ watchers: { limit: 128, used: 127 } });
    const { message } = await refusal(g42);
    expect(message).toContain('watch files 128 times, and 127 are taken: one more gateway needs 2');
    expect(message).toContain('`sysctl -w fs.inotify.max_user_instances=1024`');
    host.become({ watchers: { limit: 128, used: 126 } });
    await world.activities.ensureHost(g42);
    host.become({ watchers: { limit: 2, used: undefined } });
    await world.activities.ensureHost(g42);
    expect(await admits('g1')).toBe(true);
    expect((await refusal(g42)).message, 'where not all can be seen, gateways are counted').toContain('2 are taken');
  });

  const limits = { memory: true, cpus: true, processes: true };
  test.each([
    [
      'an engine that cannot limit processors',
      { limits: { ...limits, cpus: false } },
      /cannot limit processors .*kernel/,
    ],
    [
      'one that cannot limit memory or processes (S0-23)',
      { limits: { memory: false, cpus: true, processes: false } },
      /cannot limit memory, the number of processes of a container\. /,
    ],
    [
      'a rootless one without its controllers',
      { mode: 'rootless', limits: { ...limits, cpus: false } },
      /rootless Docker 29\.0\.0, which cannot limit processors.*Delegate=cpu/,
    ],
    ['Podman', { product: 'Podman', version: '5.4.2' }, /has Podman 5\.4\.2 behind Docker's socket/],
    ['rootless Podman', { product: 'Podman', version: '5.4.2', mode: 'rootless' }, /has rootless Podman 5\.4\.2/],
    ['one for Windows', { os: 'windows' }, /for windows containers, a gateway needs Linux ones/],
  ] as const)('%s', async (_what, change, sentence) => {
    const host = new DirectoryHost(world.root);
    const { engine } = await host.readHost(g42.place);
    host.become({ engine: { ...engine, ...change } });
    const error = await refusal(g42);
    expect(error).toMatchObject({ name: 'Refused', message: expect.stringMatching(sentence) });
    expect(error.message).toContain('runbook.md#engine-unfit');
  });

  test('an engine that was not tried is let through', async () => {
    const host = new DirectoryHost(world.root);
    const { engine } = await host.readHost(g42.place);
    for (const mode of ['rootless', 'userns-remap'] as const) {
      host.become({ engine: { ...engine, mode } });
      await world.activities.ensureHost(g42);
    }
  });

  test('a release that is not in the catalogue, or a dev one where the spec takes none', async () => {
    expect((await refusal(asking({ release: '2026.1.1' }))).message).toContain(`it has: ${testRelease}`);
    expect((await refusal(asking({ dev: false }))).message).toContain('dev = true');
  });

  test('an image that is another release than the catalogue says', async () => {
    world.engine.addImage(`creel/openclaw:${testRelease}`, { id: 'sha256:2', labels: { 'creel.release': '2026.1.1' } });
    expect((await refusal(g42)).message).toContain(`says it is 2026.1.1, the catalogue says ${testRelease}`);
  });

  test('a channel whose plugin the image lacks', async () => {
    const discord = { kind: 'discord', secrets: { token: 'secret:d' }, allowFrom: [] } as const;
    expect((await refusal(asking({ channels: [discord] }))).message).toContain(
      'lacks the plugin of channel discord (it has: telegram)',
    );
  });

  test('a secret that is missing, or not of its form, without a word of it (S4-32)', async () => {
    const gateway = asking({ channels: [telegram] });
    expect((await refusal(gateway)).message).toContain('creel secret set t');
    await world.deps.secrets.write('t', new Secret('xoxb-pasted-into-the-wrong-place'));
    const { message } = await refusal(gateway);
    expect(message).toContain('channel telegram: the stored bot_token');
    expect(message).not.toContain('pasted');
    await world.deps.secrets.write('t', new Secret(`123456789:${'A'.repeat(35)}`));
    await world.activities.ensureHost(gateway);
  });

  test('a name that somebody else took: foreign, and it stays', async () => {
    await world.engine.createVolume({ name: names(g42.mark).volume, labels: { 'creel.gateway': 'g42' } });
    const error = await refusal(g42);
    expect(error).toBeInstanceOf(Foreign);
    expect(error.message).toContain('runbook.md#foreign-resource');
    await world.engine.removeVolume(names(g42.mark).volume); // By hand, as the runbook says.
    await world.activities.ensureHost(g42);
  });

  test('an earlier life of the same id, naming its birth and both ways on', async () => {
    const earlier = world.gateway('g42');
    await world.activities.ensureState(earlier);
    const error = await refusal(g42);
    expect(error).toBeInstanceOf(Refused);
    expect(error.message).toContain(`creel provision g42 --birth ${earlier.mark.birth}`);
    expect(error.message).toContain(`creel remove g42 --birth ${earlier.mark.birth} --purge`);
    await world.activities.ensureHost(earlier);
  });

  test('nothing of another gateway, nor of another deployment', async () => {
    await world.activities.ensureState(world.gateway('g43'));
    const { mark } = world.gateway('g42');
    await world.engine.createVolume({
      name: `oc-g42-${mark.birth}-state`,
      labels: { 'creel.deployment': 'other', 'creel.gateway': 'g42', 'creel.birth': mark.birth, 'creel.layout': '1' },
    });
    await world.activities.ensureHost(g42);
  });
});

describe('a repair', () => {
  beforeEach(async () => {
    for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer', 'ensureOperator'] as const)
      await world.activities[step](g42);
    new DirectoryHost(world.root).become({ freeDiskBytes: 1024, memoryMb: 4096, availableMemoryMb: 10 });
  });

  test('of a gateway that runs is not asked for what only a birth needs: disk, memory, catalogue', async () => {
    const others = { ...world.deps, catalogue: [] };
    const activities = createActivities(others);
    for (const step of provisionSteps) {
      const activity = activities[registry[step]?.do as 'ensureHost'];
      await activity(g42);
    }
  });

  test('of one that stopped keeps its place among others, and is asked for the disk', async () => {
    world.engine.crash(names(g42.mark).container);
    expect((await refusal(g42)).message).toContain('of free disk');
    new DirectoryHost(world.root).become({ freeDiskBytes: undefined });
    await world.activities.ensureHost(g42);
  });
});

test('a running gateway that holds another token than its record is refused, not rewritten (S1-8)', async () => {
  for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer'] as const)
    await world.activities[step](g42);
  await world.activities.ensureConfig(g42);
  const rotated = { ...g42, tokenGeneration: 2 };
  await expect(world.activities.ensureConfig(rotated)).rejects.toThrow(/another token than generation 2/);
  await world.activities.ensureConfig(g42);
});
