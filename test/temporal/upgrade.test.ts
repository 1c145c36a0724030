import fs from 'node:fs';
import path from 'node:path';
import { describe, expect } from 'vitest';
import type { Channel } from '../../src/domain/channels/channel.js';
import { Secret } from '../../src/domain/secret.js';
import type { ChangeRequest } from '../../src/wire/change-requests.js';
import { limitSteps, reconfigureSteps } from '../../src/workflows/reconfigure/operation.js';
import { registry } from '../../src/workflows/operations.js';
import { rollbackSteps, upgradeSteps } from '../../src/workflows/replace/operation.js';
import type { Accepted } from '../../src/wire/requests.js';
import { testRelease, testSpec } from '../world/open-test-world.js';
import { brief } from '../ground/at-length.js';
import type { DirectoryStage } from '../ground/directory-stage.js';
import { onKeptWorker, onSharedGround } from './on-stage.js';

const next = '2026.9.7';
const place = { provider: 'local', host: 'local' } as const;
const activities = upgradeSteps.map((step) => registry[step]?.do ?? '');
const undos = upgradeSteps.flatMap((step) => registry[step]?.undo ?? []);
let requests = 0;

type Wish = ChangeRequest extends infer Each
  ? Each extends ChangeRequest
    ? Omit<Each, 'requestId' | 'origin' | 'place'>
    : never
  : never;

function ask(stage: DirectoryStage, wish: Wish): Promise<Accepted> {
  requests += 1;
  return stage.request({ ...wish, requestId: `u${requests}`, origin: 'test', place });
}

function upgrade(stage: DirectoryStage, release = next, retryFailed = false): Promise<Accepted> {
  return ask(stage, { kind: 'upgrade', release, dev: true, retryFailed, readyMs: 2_000 });
}

async function provisioned(stage: DirectoryStage, spec = testSpec): Promise<string> {
  const { birth } = await stage.provision({ spec });
  expect(await stage.settled()).toMatchObject({ phase: 'ready' });
  return birth;
}

/** The release that last wrote the state of a gateway. */
function writtenBy(stage: DirectoryStage, birth: string): string {
  return fs.readFileSync(
    path.join(stage.ground.root, 'files', `oc-${stage.id}-${birth}-state`, 'state', 'version'),
    'utf8',
  );
}

function withSavedState(stage: DirectoryStage, birth: string, shelf = 'a'): string[] {
  return [...stage.expected(birth), `volume oc-${stage.id}-${birth}-snap-${shelf}`].toSorted();
}

async function isAsBefore(stage: DirectoryStage, birth: string): Promise<void> {
  const found = await stage.settled();
  expect(found).toMatchObject({ phase: 'ready', left: [], life: { spec: { release: testRelease } } });
  expect(found.life?.underway).toBeUndefined();
  expect(writtenBy(stage, birth)).toBe(testRelease);
  expect(stage.leftovers()).toEqual(stage.expected(birth));
}

describe('an upgrade', () => {
  const on = onSharedGround();

  on(
    'is not gone back from by a rollback that waits behind an eviction: the previous state knows the devices that were put out',
    async (stage) => {
      const birth = await provisioned(stage);
      await upgrade(stage);
      expect(await stage.settled()).toMatchObject({ former: { release: testRelease } });
      stage.interfere('ensureEvicted', 'hold before');
      await stage.rotate({ evict: true });
      await stage.held('ensureEvicted');
      await ask(stage, { kind: 'rollback' });
      stage.letGo('ensureEvicted');
      const found = await stage.until(({ former, running, queue }) => !former && !running && queue.length === 0);
      expect(found).toMatchObject({ phase: 'ready', life: { spec: { release: next }, tokenGeneration: 2 } });
      await stage.until(() => stage.leftovers().join() === stage.expected(birth).join());
    },
  );

  on('is done, keeps the previous state, and a rollback takes both again', async (stage) => {
    const birth = await provisioned(stage);
    await upgrade(stage);
    expect(await stage.settled()).toMatchObject({
      phase: 'ready',
      life: { spec: { release: next }, tokenGeneration: 1 },
      record: { version: next },
      former: { release: testRelease },
      last: { kind: 'upgrade', outcome: 'done' },
    });
    expect(stage.leftovers()).toEqual(withSavedState(stage, birth));
    await ask(stage, { kind: 'rollback' });
    const back = await stage.until(
      ({ life, queue, running }) => !running && queue.length === 0 && life?.spec.release === testRelease,
    );
    expect(back).toMatchObject({ phase: 'ready', record: { version: testRelease }, former: { release: next } });
    expect(writtenBy(stage, birth)).toBe(testRelease);
    expect(stage.leftovers()).toEqual(withSavedState(stage, birth, 'b'));
    await stage.remove();
    expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
    expect(stage.leftovers()).toEqual([]);
  });

  for (const release of ['2026.9.8-crashes', '2026.9.8-never', '2026.9.8-wrong'] as const) {
    on(`to ${release} goes back and pages a person`, async (stage) => {
      const birth = await provisioned(stage);
      await upgrade(stage, release);
      await isAsBefore(stage, birth);
      expect((await stage.describe()).last).toMatchObject({
        outcome: 'undone',
        reason: expect.stringMatching(/^(rehearse|await) replacement: /),
      });
      await stage.until(() => stage.pages().some(({ title }) => title === 'upgrade went back'));
    });
  }

  on('that failed three times waits for an operator', async (stage) => {
    const birth = await provisioned(stage);
    for (let count = 0; count < 3; count += 1) {
      await upgrade(stage, '2026.9.8-crashes');
      await isAsBefore(stage, birth);
    }
    await expect(upgrade(stage, '2026.9.8-crashes')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('could not be proved here 3 times') },
    });
    await upgrade(stage, '2026.9.8-crashes', true);
    await isAsBefore(stage, birth);
  });

  on('of a release that hangs on stop is done: the kill is harmless', async (stage) => {
    const birth = await provisioned(stage);
    await upgrade(stage, '2026.9.8-hangs');
    expect(await stage.settled()).toMatchObject({ life: { spec: { release: '2026.9.8-hangs' } } });
    await ask(stage, { kind: 'change', memoryMb: 4096, readyMs: 2_000 });
    const changed = await stage.until(
      ({ life, queue, running }) => !running && queue.length === 0 && life?.spec.memoryMb === 4096,
    );
    expect(changed).toMatchObject({ phase: 'ready', former: { release: testRelease } });
    expect(stage.leftovers()).toEqual(withSavedState(stage, birth));
  });

  on('and a second one and a rotation wait for each other, one at a time', async (stage) => {
    const birth = await provisioned(stage);
    await Promise.all([
      upgrade(stage),
      upgrade(stage),
      ask(stage, { kind: 'rotate', reclaim: false, evict: false }),
      upgrade(stage, '2026.9.8-crashes'),
    ]);
    const found = await stage.settled();
    expect(found).toMatchObject({ phase: 'ready', life: { spec: { release: next }, tokenGeneration: 2 } });
    expect(await stage.overlappingOperations()).toEqual([]);
    expect(stage.leftovers()).toEqual(withSavedState(stage, birth));
  });
});

describe('a rollback of a gateway that', () => {
  const on = onSharedGround({ actMs: 20_000 });

  on('died since, and dies again when it is repaired, is done', async (stage) => {
    const birth = await dying(stage, 'broken');
    await stage.provision({ spec: { ...testSpec, release: next } });
    expect(await stage.settled()).toMatchObject({ phase: 'degraded', reason: expect.stringContaining('is broken') });
    await ask(stage, { kind: 'rollback' });
    await isRolledBack(stage, birth);
  });

  on('runs and does not answer any more is done', async (stage) => {
    const birth = await dying(stage, 'deaf');
    await ask(stage, { kind: 'rollback' });
    await isRolledBack(stage, birth);
  });

  on('died since, and cannot be finished, ends with it as it was, and can be asked for again', async (stage) => {
    const birth = await dying(stage, 'broken');
    stage.interfere('probeDevices', 'fail');
    await ask(stage, { kind: 'rollback' });
    expect(await stage.settled()).toMatchObject({
      phase: 'degraded',
      reason: expect.stringMatching(/does not serve: .*is broken.*creel rollback .*creel provision/s),
      left: [],
      life: { spec: { release: next } },
      last: { kind: 'rollback', outcome: 'undone' },
    });
    expect(writtenBy(stage, birth)).toBe(next);
    expect(stage.leftovers()).toEqual(withSavedState(stage, birth));
    stage.letGo('probeDevices');
    await ask(stage, { kind: 'rollback' });
    await isRolledBack(stage, birth);
  });
});

/** A gateway that was upgraded, and whose container has ended or stopped to listen for good. */
async function dying(stage: DirectoryStage, how: 'broken' | 'deaf'): Promise<string> {
  const birth = await provisioned(stage);
  await upgrade(stage);
  expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { spec: { release: next } } });
  const base = `oc-${stage.id}-${birth}`;
  fs.writeFileSync(path.join(stage.ground.root, 'files', `${base}-state`, 'state', how), '');
  if (how === 'broken') stage.ground.world.engine.crash(base);
  return birth;
}

async function isRolledBack(stage: DirectoryStage, birth: string): Promise<void> {
  await stage.until(({ running, life }) => !running && life?.spec.release === testRelease);
  const found = await stage.settled();
  expect(found).toMatchObject({
    phase: 'ready',
    left: [],
    record: { version: testRelease },
    former: { release: next },
  });
  expect(writtenBy(stage, birth)).toBe(testRelease);
  expect(stage.leftovers()).toEqual(withSavedState(stage, birth, 'b'));
}

describe('a change of shape', () => {
  const on = onSharedGround();

  on('reaches the container that there is, which is not stopped for it', async (stage) => {
    const birth = await provisioned(stage);
    const before = await containerOf(stage);
    await ask(stage, { kind: 'change', memoryMb: 4096, cpus: 2 });
    const found = await stage.settled();
    expect(await containerOf(stage)).toEqual({ ...before, memoryMb: 4096, cpus: 2 });
    expect(found).toMatchObject({ phase: 'ready', life: { spec: { memoryMb: 4096, cpus: 2, release: testRelease } } });
    expect(found.former).toBeUndefined();
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on('that the host cannot give is refused before anything is touched', async (stage) => {
    const birth = await provisioned(stage);
    await ask(stage, { kind: 'change', memoryMb: 262_144 * 1 });
    await stage.settled();
    await ask(stage, {
      kind: 'change',
      channels: [{ kind: 'slack', secrets: { botToken: 'secret:x', appToken: 'secret:y' }, allowFrom: ['U012AB3CD'] }],
    });
    expect((await stage.settled()).last).toMatchObject({
      outcome: 'undone',
      reason: expect.stringMatching(/^check channels: /),
    });
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on('that only the record knows of touches nothing, and is no change when it is so already', async (stage) => {
    await provisioned(stage);
    const { startedAt } = await containerOf(stage);
    await ask(stage, { kind: 'change', rotation: 'scheduled', keepFormerMs: 0, parkMs: 60_000 });
    const spec = { rotation: 'scheduled', keepFormerMs: 0, parkMs: 60_000, release: testRelease };
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { spec }, last: { outcome: 'done' } });
    await ask(stage, { kind: 'change', rotation: 'manual' });
    expect((await stage.settled()).life?.spec).not.toHaveProperty('rotation');
    await expect(ask(stage, { kind: 'change', rotation: 'manual' })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('it has what is asked for already') },
    });
    expect((await containerOf(stage)).startedAt).toBe(startedAt);
  });

  on('to other channels of a release that takes nothing up while it runs is done by one restart', async (stage) => {
    const birth = await withBot(stage, { ...testSpec, release: '2026.9.8-slow' });
    for (const channels of [[botOf(stage)], []]) {
      const { startedAt } = await containerOf(stage);
      await ask(stage, { kind: 'change', channels });
      expect(await stage.settled()).toMatchObject({ phase: 'ready', left: [], life: { spec: { channels } } });
      expect(sendersOf(stage, birth)).toEqual(channels[0]?.allowFrom);
      expect(await containerOf(stage)).toMatchObject({ state: 'running', restartPolicy: 'always' });
      expect((await containerOf(stage)).startedAt).not.toBe(startedAt);
    }
  });

  on('to keep nothing of before leaves nothing of the next upgrade', async (stage) => {
    const birth = await provisioned(stage, { ...testSpec, keepFormerMs: 0 });
    await upgrade(stage);
    await stage.until(({ last }) => last?.kind === 'drop-snapshot');
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { spec: { release: next } } });
    expect((await stage.describe()).former).toBeUndefined();
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on('by an eviction lets go of the previous state, which knows whom it put out', async (stage) => {
    const birth = await provisioned(stage);
    await upgrade(stage);
    await stage.settled();
    await ask(stage, { kind: 'rotate', reclaim: false, evict: true });
    await stage.until(({ last }) => last?.kind === 'drop-snapshot');
    await stage.settled();
    expect(stage.leftovers()).toEqual(stage.expected(birth));
    await expect(ask(stage, { kind: 'rollback' })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('no earlier release is kept') },
    });
  });
});

/** The bot of a gateway's customer: no two gateways of a deployment use one. */
function botOf({ id }: DirectoryStage): Channel {
  return { kind: 'telegram', secrets: { botToken: `secret:bot-${id}` }, allowFrom: ['1'] };
}

/** A gateway whose customer's bot is stored, and is not in its spec yet. */
async function withBot(stage: DirectoryStage, spec = testSpec): Promise<string> {
  const token = `123456789:${stage.id.padStart(35, 'A')}`;
  await stage.ground.world.deps.secrets.write(`bot-${stage.id}`, new Secret(token));
  return provisioned(stage, spec);
}

/** The senders that the running gateway lets talk to it, undefined without a channel. */
function sendersOf(stage: DirectoryStage, birth: string): unknown {
  const file = path.join(stage.ground.root, 'files', `oc-${stage.id}-${birth}-state`, 'openclaw.json');
  return JSON.parse(fs.readFileSync(file, 'utf8')).channels?.telegram?.allowFrom;
}

async function containerOf(stage: DirectoryStage) {
  const name = stage.leftovers().find((each) => each.startsWith('container '));
  const found = await stage.ground.world.engine.findContainer(name?.slice('container '.length) ?? '');
  if (!found) throw new Error('the gateway has no container');
  return found;
}

describe('a change of channels', () => {
  const on = onKeptWorker();

  for (const activity of reconfigureSteps.map((step) => registry[step]?.do ?? '')) {
    on(`whose worker is killed after ${activity} is done, once, in the container that there was`, async (stage) => {
      stage.interfere(activity, 'crash after');
      const birth = await withBot(stage);
      const { id, startedAt } = await containerOf(stage);
      await ask(stage, { kind: 'change', channels: [botOf(stage)] });
      expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { spec: { channels: [botOf(stage)] } } });
      expect(sendersOf(stage, birth)).toEqual(['1']);
      expect(await containerOf(stage)).toMatchObject({ id, startedAt });
    });

    on(`whose run is terminated after ${activity} is followed by its way back`, async (stage) => {
      const birth = await withBot(stage);
      stage.interfere(activity, 'hold after');
      const { workflowId } = await ask(stage, { kind: 'change', channels: [botOf(stage)] });
      await stage.held(activity);
      await (await stage.client()).workflow.getHandle(workflowId).terminate('by hand');
      stage.letGo(activity);
      await stage.until(({ last }) => last?.kind === 'way-back');
      expect(await stage.settled()).toMatchObject({ phase: 'ready', left: [], life: { spec: { channels: [] } } });
      expect(sendersOf(stage, birth)).toBeUndefined();
    });

    on(`in the middle of which, after ${activity}, it is removed leaves nothing`, async (stage) => {
      await withBot(stage);
      stage.interfere(activity, 'hold after');
      await ask(stage, { kind: 'change', channels: [botOf(stage)] });
      await stage.held(activity);
      await stage.remove();
      stage.letGo(activity);
      expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
      expect(stage.leftovers()).toEqual([]);
    });
  }

  on('whose worker is killed after restoreChannels: the previous channels', async (stage) => {
    stage.interfere('probeReconfigured', 'fail');
    stage.interfere('restoreChannels', 'crash after');
    const birth = await withBot(stage);
    await ask(stage, { kind: 'change', channels: [botOf(stage)] });
    expect(await stage.settled()).toMatchObject({ phase: 'ready', left: [], last: { outcome: 'undone' } });
    expect(sendersOf(stage, birth)).toBeUndefined();
  });
});

describe('in the middle of', () => {
  const on = onSharedGround();

  for (const activity of activities) {
    on(`${activity}, a removal leaves nothing`, async (stage) => {
      await provisioned(stage);
      stage.interfere(activity, 'hold after');
      await upgrade(stage);
      await stage.held(activity);
      await stage.remove();
      stage.letGo(activity);
      expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
      expect(stage.leftovers()).toEqual([]);
    });

    on(`${activity}, a Terminate of the operation is followed by the way back`, async (stage) => {
      const birth = await provisioned(stage);
      stage.interfere(activity, 'hold after');
      const { workflowId } = await upgrade(stage);
      await stage.held(activity);
      await (await stage.client()).workflow.getHandle(workflowId).terminate('by hand');
      stage.letGo(activity);
      await isAsBefore(stage, birth);
    });
  }
});

/** What is asked of a gateway of a release, and everything that is done for it. */
const asked = [
  {
    title: 'an upgrade',
    from: testRelease,
    steps: upgradeSteps,
    wish: { kind: 'upgrade', release: next, dev: true, retryFailed: false, readyMs: 2_000 },
  },
  { title: 'a rollback', from: next, steps: rollbackSteps, wish: { kind: 'rollback' } },
  { title: 'a change of limits', from: testRelease, steps: limitSteps, wish: { kind: 'change', memoryMb: 4096 } },
] as const;

const varied = brief ? [] : asked;
describe.each(varied)('a removal that keeps the state, in the middle of $title:', ({ from, steps, wish }) => {
  const on = onSharedGround();
  const keeping = { ...testSpec, keepStateMs: 3_600_000 };
  const dos = steps.map((step) => registry[step]?.do ?? '');
  const undone = steps.toReversed().flatMap((step) => registry[step]?.undo ?? []);

  for (const activity of [...dos, ...undone]) {
    on(`after ${activity} it keeps the state of the release on record, whole, and that comes back`, async (stage) => {
      const birth = await provisioned(stage, keeping);
      if (from === next) await upgrade(stage);
      await stage.settled();
      const note = path.join(stage.ground.root, 'files', `oc-${stage.id}-${birth}-state`, 'state', 'note');
      fs.writeFileSync(note, activity);
      if (!dos.includes(activity)) stage.interfere(dos.at(-1) ?? '', 'fail');
      stage.interfere(activity, 'hold after');
      await ask(stage, wish);
      await stage.held(activity);
      await stage.remove();
      stage.letGo(activity);
      const removed = await stage.settled();
      expect(removed).toMatchObject({ phase: 'removed', left: [], life: { spec: { release: from, memoryMb: 2048 } } });
      expect(stage.leftovers()).toEqual([`volume oc-${stage.id}-${birth}-state`]);
      expect([writtenBy(stage, birth), fs.readFileSync(note, 'utf8')]).toEqual([from, activity]);
      await stage.provision({ how: 'restore', spec: { ...keeping, release: from } });
      expect(await stage.settled()).toMatchObject({ phase: 'ready', record: { version: from } });
      expect(fs.readFileSync(note, 'utf8')).toBe(activity);
    });
  }
});

describe('a worker killed after the effect and before the report of', () => {
  const on = onKeptWorker();

  for (const activity of activities) {
    on(`${activity}: the upgrade is done, once`, async (stage) => {
      stage.interfere(activity, 'crash after');
      const birth = await provisioned(stage);
      await upgrade(stage);
      expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { spec: { release: next } } });
      expect(stage.leftovers()).toEqual(withSavedState(stage, birth));
    });
  }

  for (const activity of undos) {
    on(`${activity}: the old one serves again`, async (stage) => {
      stage.interfere('findReplaced', 'fail');
      stage.interfere(activity, 'crash after');
      const birth = await provisioned(stage);
      await upgrade(stage);
      await isAsBefore(stage, birth);
    });
  }

  for (const activity of ['ensureTaken', 'ensureReplacement'].filter((each) =>
    rollbackSteps.some((step) => registry[step]?.do === each),
  )) {
    on(`${activity}: the rollback is done, once`, async (stage) => {
      const birth = await provisioned(stage);
      await upgrade(stage);
      await stage.settled();
      stage.interfere(activity, 'crash after');
      await ask(stage, { kind: 'rollback' });
      await stage.until(
        ({ life, queue, running }) => !running && queue.length === 0 && life?.spec.release === testRelease,
      );
      expect(writtenBy(stage, birth)).toBe(testRelease);
    });
  }
});
