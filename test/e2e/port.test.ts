import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createActivities } from '../../src/activities/activities.js';
import { birthFrom, layout, names, type Gateway } from '../../src/domain/gateway/gateway.js';
import { straightOut } from '../../src/domain/hosts/egress.js';
import { masterKey } from '../../src/domain/keys/token.js';
import { ringOf } from '../world/test-keys.js';
import { openWorld } from '../../src/open-world.js';
import { defaultLimits } from '../../src/wire/limits.js';
import { foundSocket } from '../ground/found.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { RealGround, testCatalogue, testKey, testPool } from '../ground/real-ground.js';
import { noRecords } from '../../src/releases/no-records.js';

/** Thirty-two slots: twenty gateways that choose theirs by name often want the same one. */
const narrowPool = { cidr: '10.215.0.0/23', prefix: 28, firstPort: 29_000 };

let ground: RealGround;

/** Calls of this process that may still be out when a test is over, by a limit or by Ctrl-C. */
const calls: Promise<unknown>[] = [];

beforeAll(async () => {
  ground = new RealGround(await TestServer.start());
});

afterAll(async () => {
  await Promise.allSettled(calls); // What lands after the ground was cleared would stay.
  await ground?.close();
  await ground?.server.stop();
}, 120_000);

/** The subnet and the port that a network of this name holds. */
async function slotOf(network: string): Promise<{ subnet: string; port: number }> {
  const [found, ...others] = await ground.engine.findNetworks(network);
  expect(others).toEqual([]);
  return { subnet: found?.subnets[0] ?? 'none', port: Number(found?.labels['creel.port']) };
}

describe('the port of a gateway', () => {
  it('is another one when a stranger took the first before the first start', async () => {
    const stage = new Stage(ground, defaultLimits);
    const stranger = net.createServer();
    try {
      stage.interfere('ensureContainer', 'hold before');
      await ground.startWorker();
      const { birth } = await stage.provision({ spec: { ...testSpec, cpus: 2 } });
      await stage.held('ensureContainer');
      const chosen = await slotOf(names({ gateway: stage.id, birth }).network);
      await once(stranger.listen(chosen.port, '127.0.0.1'), 'listening');
      stage.letGo('ensureContainer');

      const found = await stage.settled(120_000);
      expect(found).toMatchObject({ phase: 'ready' });
      expect(found.record?.port).toBeGreaterThanOrEqual(testPool.firstPort);
      expect(found.record?.port).not.toBe(chosen.port);
      expect(found.record?.subnet).not.toBe(chosen.subnet);
      expect(await ground.leftovers()).toEqual(stage.expected(birth));

      await stage.remove();
      expect(await stage.settled(60_000)).toMatchObject({ phase: 'removed', left: [] });
      expect(await ground.leftovers()).toEqual([]);
    } finally {
      stranger.close();
      await stage.close();
    }
  });

  it('is its own, and so is its subnet, when twenty are provisioned at once', async () => {
    const { ensureNetwork, removeNetwork } = activities();
    const gateways = Array.from({ length: 20 }, newGateway);
    await toEach(gateways, ensureNetwork);
    const slots = await Promise.all(gateways.map(({ mark }) => slotOf(names(mark).network)));
    expect(new Set(slots.map(({ port }) => port)).size).toBe(20);
    expect(new Set(slots.map(({ subnet }) => subnet)).size).toBe(20);
    expect(await ground.leftovers()).toEqual(gateways.map(({ mark }) => `network ${names(mark).network}`).toSorted());

    await toEach(gateways, ensureNetwork);
    expect(await Promise.all(gateways.map(({ mark }) => slotOf(names(mark).network)))).toEqual(slots);

    await toEach(gateways, removeNetwork);
    expect(await ground.leftovers()).toEqual([]);
  });
});

/** Does the same to all of them at once. */
async function toEach(gateways: readonly Gateway[], act: (gateway: Gateway) => Promise<unknown>): Promise<void> {
  const all = gateways.map((each) => act(each));
  calls.push(...all);
  await Promise.all(all);
}

function newGateway(): Gateway {
  return {
    mark: {
      deployment: ground.deployment,
      gateway: `p${randomBytes(4).toString('hex')}`,
      birth: birthFrom(randomBytes(6)),
      layout,
    },
    place: { provider: 'local', host: 'local' },
    spec: testSpec,
    tokenGeneration: 1,
    deviceGeneration: 1,
  };
}

/** The activities over the real world, called without a workflow. */
function activities() {
  const signal = () => undefined;
  const world = openWorld({
    config: {
      catalogue: testCatalogue(),
      pool: narrowPool,
      engineSocket: foundSocket(),
      secretsFile: path.join(ground.root, 'secrets'),
      auditFile: path.join(ground.root, 'audit.jsonl'),
      egress: straightOut,
      pager: undefined,
    },
    keys: ringOf(masterKey(testKey)),
    deployment: ground.deployment,
    signal,
    log: pino({ level: 'silent' }),
  });
  return createActivities({
    ...world,
    signal,
    findOpenOperations: async () => [],
    records: noRecords,
    temporalNow: async () => Date.now(),
    findEngines: async () => [],
    gatewaysOn: async () => [],
  });
}
