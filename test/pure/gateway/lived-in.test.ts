import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import { revive } from '../../../src/activities/parts/container/revival.js';
import type { Changing } from '../../../src/domain/gateway/changing.js';
import type { Channel } from '../../../src/domain/channels/channel.js';
import { configFile, stateDirectory } from '../../../src/domain/gateway/config.js';
import { names, type Gateway } from '../../../src/domain/gateway/gateway.js';
import { newRecipient } from '../../../src/domain/keys/seal.js';
import { Secret } from '../../../src/domain/secret.js';
import type { Rotation } from '../../../src/domain/changes/rotation.js';
import { describeState } from '../../../src/workflows/record/describe.js';
import { newLife } from '../../../src/workflows/record/life.js';
import { emptyState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { openTestWorld, type TestWorld } from '../../world/open-test-world.js';
import { noRecords } from '../../../src/releases/no-records.js';

const botToken = `123456789:${'A'.repeat(35)}`;
const telegram = (...allowFrom: string[]): Channel => ({
  kind: 'telegram',
  secrets: { botToken: 'secret:bot' },
  allowFrom,
});

let world: TestWorld;
let g42: Gateway;
beforeEach(async () => {
  world = openTestWorld();
  await world.deps.secrets.write('bot', new Secret(botToken));
  g42 = world.gateway('g42');
  g42 = { ...g42, spec: { ...g42.spec, channels: [telegram('5550001', '5550002')] } };
  for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer', 'probeReadiness'] as const)
    await world.activities[step](g42);
  await world.activities.ensureOperator(g42);
});
afterEach(() => world.close());

async function container() {
  const found = await world.engine.findContainer(names(g42.mark).container);
  if (!found) throw new Error('no container');
  return found;
}

async function config(): Promise<Record<string, unknown>> {
  const text = await world.engine.readFile((await container()).id, `${stateDirectory}/${configFile}`);
  return JSON.parse(text ?? '');
}

/** What an owner leaves behind: over the config, then a restart where he makes one. */
async function put(change: (config: Record<string, unknown>) => Record<string, unknown>): Promise<void> {
  const content = JSON.stringify(change(await config()));
  await world.engine.writeFiles((await container()).id, stateDirectory, [
    { path: configFile, content, mode: 0o600, uid: 1000 },
  ]);
}

async function restart(): Promise<void> {
  const { id } = await container();
  await world.engine.stopContainer(id, 1);
  await world.engine.startContainer(id);
}

async function stop(): Promise<void> {
  await world.engine.stopContainer((await container()).id, 1);
}

/** A repair, as its list has the steps. */
async function repair(gateway: Gateway = g42): Promise<string | undefined> {
  const said = await world.activities.ensureConfig(gateway);
  for (const step of ['ensureContainer', 'probeReadiness', 'ensureOperator', 'probeChannels', 'findGateway'] as const)
    await world.activities[step](gateway);
  return said;
}

function rotating(reclaim: boolean): Changing<Rotation> {
  const change = {
    kind: 'rotate',
    nextTokenGeneration: 2,
    nextDeviceGeneration: 1,
    reclaim,
    evict: false,
    approved: [],
  } as const;
  return { ...g42, change };
}

const tls = (all: Record<string, unknown>) => ({
  ...all,
  gateway: { ...Object(all['gateway']), tls: { enabled: true, autoGenerate: true } },
});

const split = ({ gateway: _gateway, ...all }: Record<string, unknown>) => ({
  ...all,
  gateway: { $include: './config/gateway.json5' },
});

describe('a gateway whose door its owner has shut (S4-42)', () => {
  test('says the key at once, to a look, a rotation, a reclaim and a wait', async () => {
    await put(tls);
    await restart();
    const expected = {
      name: 'Refused',
      message: expect.stringMatching(/gateway\.tls\.enabled is true and must be false.*`creel provision g42`/),
    };
    await expect(world.activities.findGateway(g42)).rejects.toMatchObject(expected);
    for (const reclaim of [false, true])
      await expect(world.activities.probeRotatable(rotating(reclaim))).rejects.toMatchObject(expected);
    await expect(world.activities.probeReadiness(g42)).rejects.toMatchObject(expected);
  });

  test('is put right by a repair, with one start', async () => {
    await put(tls);
    await restart();
    expect(await repair()).toMatch(/put right by a restart: gateway\.tls\.enabled/);
    expect(await config()).toMatchObject({ gateway: { tls: { enabled: false, autoGenerate: true } } });
    const { startedAt } = await container();
    expect(await repair()).toBeUndefined();
    expect((await container()).startedAt).toBe(startedAt);
  });
});

describe('a split config', () => {
  test('is refused with one sentence by a rotation, a reclaim and a repair, running or not, and nothing is half-written', async () => {
    await put(split);
    const before = await config();
    const expected = {
      name: 'Refused',
      message: expect.stringMatching(/is split: "gateway".*\$include.*#config-split/),
    };
    for (const reclaim of [false, true])
      await expect(world.activities.probeRotatable(rotating(reclaim))).rejects.toMatchObject(expected);
    await expect(world.activities.ensureConfig(g42)).rejects.toMatchObject(expected);
    await stop();
    await expect(world.activities.ensureConfig(g42)).rejects.toMatchObject(expected);
    expect(await config()).toEqual(before);
  });
});

describe('a config that was handed to root', () => {
  const handOver = () => world.engine.handOver(names(g42.mark).volume, configFile, 0);

  test('is why a gateway does not start, and a repair gives it back: 1000, 0600', async () => {
    handOver();
    await restart();
    await expect(world.activities.probeReadiness(g42)).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringMatching(/exit 78.*EACCES.*openclaw\.json.*handed to another user.*#handed-to-root/s),
    });
    await repair();
    const { id } = await container();
    expect(await world.engine.findOwner(id, `${stateDirectory}/${configFile}`)).toEqual({ uid: 1000, mode: 0o600 });
  });

  test('is given back while the gateway runs, too', async () => {
    handOver();
    expect(await repair()).toMatch(/belonged to another user/);
    await restart();
    await world.activities.probeReadiness(g42);
  });
});

describe('what a spec dropped', () => {
  const senders = async () => Object(Object((await config())['channels'])['telegram'])['allowFrom'];
  const addOwn = (all: Record<string, unknown>) => {
    const channels = Object(all['channels']);
    const block = Object(channels['telegram']);
    return { ...all, channels: { ...channels, telegram: { ...block, allowFrom: [...block['allowFrom'], '777'] } } };
  };

  test.each([true, false])(
    'is out when the gateway is taken up, running: %s; what its owner added stays',
    async (runs) => {
      await put(addOwn);
      if (!runs) await stop();
      await repair({ ...g42, spec: { ...g42.spec, channels: [telegram('5550001')] } });
      expect(await senders()).toEqual(['5550001', '777']);
    },
  );

  test.each([true, false])('is out with its token, running: %s', async (runs) => {
    if (!runs) await stop();
    await repair({ ...g42, spec: { ...g42.spec, channels: [] } });
    expect(JSON.stringify(await config())).not.toContain(botToken);
  });
});

describe('a gateway whose process lives and answers nothing', () => {
  const name = () => names(g42.mark).container;

  test('is started again by a repair, once, with its hostname, and serves (S3-20)', async () => {
    world.engine.freeze(name(), 'wedged');
    const before = await container();
    await repair();
    const after = await container();
    expect(after).toMatchObject({ id: before.id, state: 'running' });
    expect(after.startedAt).not.toBe(before.startedAt);
    await repair();
    expect((await container()).startedAt).toBe(after.startedAt);
  });

  test('is left alone for as long as any start may take (S3-20, K-5)', async () => {
    world.engine.freeze(name(), 'wedged');
    const { startedAt } = await container();
    await revive({ ...world.deps, startPeriodMs: 45_000 }, g42);
    expect((await container()).startedAt).toBe(startedAt);
  });

  test('because it is paused, goes on', async () => {
    world.engine.freeze(name(), 'paused');
    const { startedAt } = await container();
    await repair();
    expect(await container()).toMatchObject({ state: 'running', startedAt });
  });

  test('though nobody listens yet, is a slow start', async () => {
    await put((all) => ({ ...all, gateway: { ...Object(all['gateway']), bind: 'loopback' } }));
    await restart();
    const { startedAt } = await container();
    await revive(world.deps, g42);
    expect((await container()).startedAt).toBe(startedAt);
  });
});

test('no link is made to a gateway that turns away whoever comes without its proxy, and a look says why', async () => {
  await put((all) => ({ ...all, gateway: { ...Object(all['gateway']), trustedProxies: ['10.0.0.0/8'] } }));
  const names = expect.stringMatching(/gateway\.trustedProxies \(10\.0\.0\.0\/8\) covers 10\./);
  expect((await world.activities.findGateway(g42)).findings).toEqual([names]);
  const { publicKey: recipient } = await newRecipient();
  const start = { layout: 1, deployment: g42.mark.deployment, gateway: 'g42', limits: defaultLimits } as const;
  const describe = async () =>
    describeState(start, { ...emptyState(1, 0), life: newLife(g42), phase: 'ready' }, undefined);
  const recorded = createActivities({ ...world.deps, records: { ...noRecords, describe } });
  await expect(recorded.mintLink({ gateway: g42, recipient })).rejects.toMatchObject({
    name: 'Refused',
    message: names,
  });
  expect(await repair()).toBeUndefined();
  expect(await config()).toMatchObject({ gateway: { trustedProxies: ['10.0.0.0/8'] } });
});
