import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/activities.js';
import { Foreign, Refused } from '../../src/domain/errors.js';
import { names, type Gateway } from '../../src/domain/gateway.js';
import type { GatewaySpec } from '../../src/domain/gateway-spec.js';
import { Secret } from '../../src/domain/secret.js';
import { provisionSteps, registry } from '../../src/workflows/steps.js';
import { DirectoryHost } from '../world/directory-host.js';
import { openTestWorld, testRelease, type TestWorld } from '../world/open-test-world.js';

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
    host.become({ freeDiskBytes: 1024 ** 3 });
    expect(await refusal(g42)).toMatchObject({
      name: 'Refused',
      message: expect.stringContaining('1024 MB of free disk'),
    });
    host.become({ freeDiskBytes: undefined, memoryMb: 1024 });
    expect((await refusal(g42)).message).toContain('has 1024 MB of memory, the spec asks for 2048 MB');
    host.become({ memoryMb: 2048 });
    await world.activities.ensureHost(g42);
  });

  test('a host whose memory other gateways need, or somebody else uses', async () => {
    const host = new DirectoryHost(world.root);
    host.become({ memoryMb: 4096 });
    const admitted: string[] = [];
    for (const id of ['g1', 'g2', 'g3', 'g4', 'g5']) {
      const gateway = world.gateway(id);
      const refused = await world.activities.ensureHost(gateway).catch((error: unknown) => error);
      if (refused !== undefined) continue;
      admitted.push(id);
      for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer'] as const)
        await world.activities[step](gateway);
    }
    expect(admitted).toEqual(['g1', 'g2', 'g3']);
    expect((await refusal(g42)).message).toMatch(
      /4096 MB of memory, of which 3 other gateways need 1024 MB each: 1024 MB/,
    );
    host.become({ memoryMb: 65_536, availableMemoryMb: 700 });
    expect((await refusal(g42)).message).toContain('700 MB of memory that nobody uses');
    host.become({ availableMemoryMb: 1024 });
    await world.activities.ensureHost(g42);
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
    expect(message).toContain('channel telegram: the stored botToken');
    expect(message).not.toContain('pasted');
    await world.deps.secrets.write('t', new Secret(`123456789:${'A'.repeat(35)}`));
    await world.activities.ensureHost(gateway);
  });

  test('a name that somebody else took: foreign, and it stays', async () => {
    await world.engine.createVolume({ name: names(g42.mark).volume, labels: { 'creel.gateway': 'g42' } });
    const error = await refusal(g42);
    expect(error).toBeInstanceOf(Foreign);
    expect(error.message).toContain('runbook.md#foreign-resource');
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
