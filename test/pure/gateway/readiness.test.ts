import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { servingLimitMs } from '../../../src/activities/parts/door/facts.js';
import { awaitReady, firstReadyMs } from '../../../src/activities/parts/container/readiness.js';
import { Away } from '../../../src/domain/errors.js';
import { names, type Gateway } from '../../../src/domain/gateway/gateway.js';
import { openTestWorld, type TestWorld } from '../../world/open-test-world.js';

const boom = ['Error: Cannot find module ./plugins/telegram', 'Gateway failed to start.'];

let world: TestWorld;
let g42: Gateway;
let container: string;
beforeEach(async () => {
  world = openTestWorld();
  const gateway = world.gateway('g42');
  g42 = { ...gateway, spec: { ...gateway.spec, release: '2026.9.8-never' } };
  container = names(g42.mark).container;
  for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer'] as const)
    await world.activities[step](g42);
  world.engine.say(container, boom);
});
afterEach(() => world.close());

/** What the wait says in the end; the container is made to crash again and again until then. */
async function endOf(crash: () => void): Promise<unknown> {
  await world.activities.ensureRestartPolicy(g42);
  const watched = { ended: false };
  const end = world.activities
    .probeReadiness(g42)
    .catch((error: unknown) => error)
    .finally(() => {
      watched.ended = true;
    });
  while (!watched.ended) {
    if (world.engine.containers().some(({ restartPolicy }) => restartPolicy !== 'no')) crash();
    await sleep(20);
  }
  return end;
}

async function isLeftAlone(): Promise<void> {
  expect(await world.engine.findContainer(container)).toMatchObject({ state: 'exited', restartPolicy: 'no' });
}

describe('a crash loop', () => {
  test('of a container that is about to be started again ends at once: stopped, left alone, with its last lines', async () => {
    const error = await endOf(() => world.engine.crashAgain(container, 'restarting', 3));
    expect(error).toMatchObject({ name: 'Refused', message: expect.stringMatching(/exit 3, \d+ restarts/) });
    expect(error).toMatchObject({ message: expect.stringContaining(boom.join('\n')) });
    await isLeftAlone();
  });

  test('is seen by its counter where the container runs at each look', async () => {
    const error = await endOf(() => world.engine.crashAgain(container, 'running', 0));
    expect(error).toMatchObject({ name: 'Refused', message: expect.stringMatching(/\(\d+ restarts\).*last lines/) });
    await isLeftAlone();
  });

  test('over a config that it cannot start on says so', async () => {
    const error = await endOf(() => world.engine.crashAgain(container, 'restarting', 78));
    expect(error).toMatchObject({ name: 'Refused', message: expect.stringMatching(/exit 78.*last lines/) });
  });

  test('is not what a container does that was started again once, long ago', async () => {
    world.engine.crashAgain(container, 'running', 0);
    await expect(awaitReady(world.deps, g42, 300)).rejects.toThrow(/given up/);
    expect(await world.engine.findContainer(container)).toMatchObject({ state: 'running' });
  });
});

test('an engine that goes away is no fault of the gateway: the wait ends as that, whatever is left of its limit', async () => {
  const waiting = awaitReady(world.deps, g42, 60_000);
  const ended = expect(waiting).rejects.toBeInstanceOf(Away);
  await sleep(200);
  world.engine.setDown(true);
  await ended;
}, 5_000);

test('a wait for a gateway that is given up carries its last lines (S4-8)', async () => {
  await expect(awaitReady(world.deps, g42, 100)).rejects.toMatchObject({
    name: 'Refused',
    message: expect.stringContaining(`given up. Last heard: /startupz`),
  });
  await expect(awaitReady(world.deps, g42, 100)).rejects.toThrow(boom.join('\n'));
});

describe('an end with exit 78', () => {
  const starved =
    'Failing check media-persistence (step-refused): Agent database maintenance deferred: agent database maintenance lease core:agent-database-maintenance/global was lost | state lease heartbeat did not become ready (phase=startup, trigger=timeout)';

  test('is a verdict on config or state, and final', async () => {
    world.engine.crash(container, 78);
    await expect(awaitReady(world.deps, g42, 60_000)).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringMatching(/refuses to start \(exit 78.*last lines/),
    });
  });

  test('of a gateway whose host was too busy for it is none: it is started again', async () => {
    world.engine.say(container, [starved, ...Array.from({ length: 10 }, () => 'x'.repeat(200))]);
    world.engine.crash(container, 78);
    await expect(awaitReady(world.deps, g42, 60_000)).rejects.toMatchObject({
      name: 'StartOver',
      message: expect.stringContaining('ended with exit 78'),
    });
  });

  test('of such a gateway again and again is a crash loop, and no fault of its config', async () => {
    world.engine.say(container, [starved]);
    const error = await endOf(() => world.engine.crashAgain(container, 'restarting', 78));
    expect(error).toMatchObject({
      name: 'Refused',
      message: expect.stringMatching(/as often as it is started \(exit 78/),
    });
    await isLeftAlone();
  });
});

describe('a slow start', () => {
  const floor = (startPeriodMs: number) => ({ ...world.deps, startPeriodMs });

  /** A gateway that listens 1.5 s after its start. */
  async function started(release: string): Promise<Gateway> {
    const gateway = world.gateway('g43');
    const slow = { ...gateway, spec: { ...gateway.spec, release } };
    for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer'] as const)
      await world.activities[step](slow);
    return slow;
  }

  test('is never given up within the start period, whatever limit was given (S3-20)', async () => {
    const slow = await started('2026.9.8-slow');
    await expect(awaitReady(floor(0), slow, 1)).rejects.toThrow('given up');
    await awaitReady(floor(30_000), slow, 1);
  });

  test('may take as long as the catalogue says of its release', async () => {
    const slow = await started('2026.9.8-slow');
    const catalogue = world.deps.catalogue.map((line) => ({ ...line, readyMs: 30_000 }));
    await awaitReady({ ...world.deps, catalogue }, slow, 1);
    const once = world.deps.catalogue.map((line) => ({ ...line, firstReadyMs: 30_000 }));
    expect(await firstReadyMs({ ...world.deps, catalogue: once }, slow, 90)).toBe(30_000);
    expect(await firstReadyMs({ ...world.deps, catalogue: once }, slow, 90_000)).toBe(90_000);
    expect(await firstReadyMs(world.deps, slow, 90)).toBe(90);
  });

  test.each([
    [0, 45_000],
    [20_000, 25_000],
    [44_000, 12_000],
    [3_600_000, 12_000],
    [-3_600_000, 45_000],
    [Number.NaN, 45_000],
  ])('of %i ms ago leaves %i ms to one that is asked whether it serves (S3-20)', (ageMs, limitMs) => {
    expect(servingLimitMs(ageMs, 45_000)).toBe(limitMs);
  });

  test('that ends is judged at once all the same', async () => {
    const crashing = await started('2026.9.8-crashes');
    const began = Date.now();
    await expect(awaitReady(floor(600_000), crashing, 1)).rejects.toThrow('ended with exit 1');
    expect(Date.now() - began).toBeLessThan(60_000);
  });
});
