import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchMarker } from '../../src/domain/hosts/launch-script.js';
import { machineNames } from '../../src/domain/hosts/machine.js';
import { defaultLimits } from '../../src/wire/limits.js';
import { patienceMs } from '../ground/patience.js';
import { BoughtMachines } from '../ground/bought-machines.js';
import { Stage } from '../ground/stage.js';
import { underWay, type UnderWay } from '../ground/under-way.js';
import { testSpec } from '../world/open-test-world.js';

const [older, newer] = ['2026.6.11', '2026.9.6'];
const region = 'eu-central-1';
/** A removal waits until no lost attempt can take effect any more: here not for the forty seconds of a deployment. */
const soonSettled = { actMs: 20_000, settleMs: 1_000 };
const spec = {
  ...testSpec,
  release: older,
  memoryMb: 1_536,
  machine: { provider: 'lightsail', region },
} as const;
const longMs = 480_000;

let bought: BoughtMachines;
let stage: Stage;

beforeAll(async () => {
  bought = await BoughtMachines.open('machine-faults', [older, newer]);
  stage = new Stage(bought.ground, { ...defaultLimits, ...soonSettled });
  await bought.ground.startWorker();
}, 900_000);

afterAll(async () => {
  await stage?.close();
  await bought?.close();
}, 120_000);

/** The number of the body behind the gateway's machine, once there is one. */
async function machine(): Promise<string> {
  let found: string | undefined;
  const some = async () => {
    [found] = await bought.body.list();
    return found;
  };
  await expect.poll(some, { timeout: patienceMs }).toBeDefined();
  return found ?? '';
}

/** Every connection of SSH is cut; who asks again gets another one. */
async function cutSsh(id: string): Promise<void> {
  await bought.body.run(id, ['pkill', '-KILL', '-f', '^sshd(-session)?: [a-z]']);
}

/** Waits until an activity is held: before it an image may have to be brought to the machine, and tried there. */
async function held(activity: string): Promise<void> {
  await bought.ground.interferences.held(activity, stage.id, longMs);
}

/** How an activity of the operation that runs stands now; undefined when it is not under way. */
async function pending(activity: string): Promise<UnderWay | undefined> {
  const { running } = await stage.describe();
  return running && underWay(await stage.client(), running.workflowId, activity);
}

/** What an activity says, or why an attempt failed, whose connection was cut. */
const isCut = /answers|connection|closed|hang up|reset|SSH/i;

/** Cuts SSH while an activity goes on until that is what it says: a cut that nobody felt proves nothing. */
async function cutIn(activity: string): Promise<void> {
  const id = await machine();
  await held(activity);
  stage.letGo(activity);
  for (;;) {
    await cutSsh(id);
    const now = await pending(activity);
    if (!now) throw new Error(`${activity} ended before a cut was felt`);
    if (isCut.test(`${now.failed} ${now.says}`)) return;
  }
}

/** One machine, which costs, and nothing else; and on it one gateway with one state. */
async function isOne(): Promise<void> {
  const { life } = await stage.describe();
  if (!life) throw new Error('no life');
  expect((await bought.standIn.costing()).map(({ name }) => name)).toEqual([machineNames(life.mark).machine]);
  const [id = '', ...others] = await bought.body.list();
  expect(others).toEqual([]);
  const running = await bought.body.run(id, ['docker', 'ps', '--format', '{{.Names}}']);
  expect(running.trim()).toBe(`oc-${stage.id}-${life.mark.birth}`);
}

describe('a real gateway on a machine of its own that has bad days (K-1)', { timeout: 1_200_000 }, () => {
  it('is ready although the seller throttles for a minute, the worker is killed while the machine boots, and the machine freezes during the pull', async () => {
    bought.standIn.faults.plan('*', { kind: 'throttled' });
    stage.interfere('ensureRelease', 'hold before');
    await stage.provision({ spec });
    const throttled = async () => (await pending('probeMachineOrder'))?.failed ?? '';
    await expect.poll(throttled, { timeout: patienceMs }).toMatch(/throttled/);
    await sleep(60_000); // The minute is the fault.
    expect(await throttled()).toMatch(/throttled/);
    expect(await bought.body.list()).toEqual([]);
    bought.standIn.faults.clear();
    const id = await machine();
    expect(await bought.body.read(id, launchMarker)).toBeUndefined();
    await bought.ground.killWorkers();
    await bought.ground.startWorker();
    await held('ensureRelease');
    stage.letGo('ensureRelease');
    const brought = async () => Number(/: (\d+) MB/.exec((await pending('ensureRelease'))?.says ?? '')?.[1] ?? 0);
    await expect.poll(brought, { timeout: longMs, interval: 100 }).toBeGreaterThan(0);
    await bought.body.freeze(id);
    expect(await pending('ensureRelease')).toBeDefined();
    await sleep(15_000); // The fault itself: as long as it stands still, nothing ends the pull.
    expect(await pending('ensureRelease')).toBeDefined();
    await bought.body.thaw(id);
    expect(await stage.settled(longMs)).toMatchObject({ phase: 'ready', left: [], record: { version: older } });
    await isOne();
  });

  it('gets another token although SSH is cut again and again meanwhile', async () => {
    stage.interfere('ensureToken', 'hold before');
    await stage.rotate();
    await cutIn('ensureToken');
    expect(await stage.settled(longMs)).toMatchObject({
      phase: 'ready',
      last: { kind: 'rotate', outcome: 'done' },
      life: { tokenGeneration: 2 },
    });
    await isOne();
  });

  it('becomes the next release although SSH is cut in the copy of its state, and the machine loses its power before the new one starts', async () => {
    const { life } = await stage.describe();
    const id = await machine();
    const state = `/var/lib/docker/volumes/oc-${stage.id}-${life?.mark.birth}-state/_data`;
    await bought.body.run(id, [
      'sh',
      '-c',
      `dd if=/dev/urandom of=${state}/photos bs=1M count=200 && chown 1000:1000 ${state}/photos`,
    ]);
    const sum = await bought.body.run(id, ['sha256sum', `${state}/photos`]);
    expect(sum).toMatch(/^[0-9a-f]{64} /);
    stage.interfere('ensureSaved', 'hold before');
    stage.interfere('ensureReplacement', 'hold before');
    const asked = { kind: 'upgrade', release: newer, dev: true, retryFailed: false } as const;
    await stage.request({ ...asked, requestId: 'upgrade', origin: 'test' });
    await stage.until(({ running }) => running !== undefined);
    await cutIn('ensureSaved');
    await held('ensureReplacement');
    await bought.body.kill(id);
    stage.letGo('ensureReplacement');
    await expect
      .poll(async () => (await pending('ensureReplacement'))?.failed ?? '', { timeout: longMs })
      .toMatch(isCut);
    await bought.body.start(id);
    const ended = await stage.settled(longMs);
    const release = ended.last?.outcome === 'done' ? newer : older;
    expect(ended).toMatchObject({
      phase: 'ready',
      left: [],
      last: { kind: 'upgrade', outcome: release === newer ? 'done' : 'undone' },
      record: { version: release },
      life: { spec: { release } },
    });
    expect(await bought.body.run(id, ['sha256sum', `${state}/photos`])).toBe(sum);
    await isOne();
  });

  it('goes back to its former release although SSH is cut while its state is taken back', async () => {
    const { record } = await stage.describe();
    if (record?.version !== newer) {
      const again = { kind: 'upgrade', release: newer, dev: true, retryFailed: true } as const;
      await stage.request({ ...again, requestId: 'upgrade-2', origin: 'test' });
      expect(await stage.settled(longMs)).toMatchObject({ phase: 'ready', record: { version: newer } });
    }
    stage.interfere('ensureTaken', 'hold before');
    await stage.request({ kind: 'rollback', requestId: 'back', origin: 'test' });
    await stage.until(({ running }) => running !== undefined);
    await cutIn('ensureTaken');
    expect(await stage.settled(longMs)).toMatchObject({
      phase: 'ready',
      left: [],
      record: { version: older },
    });
    await isOne();
  });

  it('is removed with its machine although the seller is broken for a while, and nothing costs', async () => {
    for (const call of ['DeleteInstance', 'GetInstance']) bought.standIn.faults.plan(call, { kind: 'lost' }, 5);
    await stage.remove();
    expect(await stage.settled(longMs)).toMatchObject({ phase: 'removed', left: [] });
    bought.standIn.faults.clear();
    expect(await bought.body.list()).toEqual([]);
    expect(await bought.standIn.costing()).toEqual([]);
  });
});
