import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepsFor } from '../../../src/workflows/provision/operation.js';
import { registry } from '../../../src/workflows/operations.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import { Keyboard } from '../../ground/keyboard.js';
import { TestServer } from '../../ground/server.js';
import { accountOf } from '../../world/machine-world.js';
import { testSpec } from '../../world/open-test-world.js';
import { gatewayWorkflowId } from '../../../src/wire/ids.js';
import { replyUpdate } from '../../../src/wire/messages.js';
import { onKeptWorker } from '../on-stage.js';

const region = 'eu-central-1';
const machine = { provider: 'lightsail', region, address: 'static' } as const;
const spec = { ...testSpec, memoryMb: 1_536, machine };
const activities = stepsFor({ machine })
  .slice(0, stepsFor({ machine }).indexOf('check host'))
  .map((step) => registry[step]?.do ?? '');

/** What stands on the bill of a stage's gateway. */
function billed(stage: DirectoryStage): string[] {
  const { id, ground } = stage;
  return accountOf(ground.root)
    .bill(region)
    .filter((line) => line.includes(`-${id}-`));
}

/** An operator's word to the operation that is parked. */
async function retry(stage: DirectoryStage): Promise<void> {
  const { park } = await stage.describe();
  const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
  await handle.executeUpdate(replyUpdate, { args: [{ park: park?.number ?? '', answer: 'retry', origin: 'test' }] });
}

describe('with a machine of its own, a worker killed after the effect and before the report of', () => {
  const on = onKeptWorker();

  for (const activity of activities) {
    on(`${activity}: one machine, and a gateway that is ready on it`, async (stage) => {
      stage.interfere(activity, 'crash after');
      const { birth } = await stage.provision({ spec });
      const found = await stage.settled();
      expect(found).toMatchObject({ phase: 'ready', life: { place: { provider: 'lightsail', region } } });
      expect(found.life?.place.engine).toBeDefined();
      expect(billed(stage).toSorted()).toEqual([
        `address oc-${stage.ground.deployment}-${stage.id}-${birth}-ip`,
        `machine oc-${stage.id}-${birth}`,
      ]);
      expect(stage.leftovers()).toEqual([]);
    });
  }

  on('removeMachine: nothing is left on the bill', async (stage) => {
    stage.interfere('removeMachine', 'crash after');
    await stage.provision({ spec });
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
    await stage.remove();
    expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
    expect(billed(stage)).toEqual([]);
  });
});

describe('somebody who asks for a gateway on a machine of its own', () => {
  let keyboard: Keyboard;
  beforeAll(async () => {
    keyboard = await Keyboard.open();
    await keyboard.ground.startWorker();
  });
  afterAll(() => keyboard.close());

  it('is told what it costs by a dry run and before a yes, and buys nothing without one', async () => {
    const { root } = keyboard.ground;
    const memory = ['--release', testSpec.release, '--dev', '--memory', '1.5 GB', '--keep-state', '0'];
    const asked = ['provision', 'paid', ...memory, '--provider', 'lightsail', '--region', region];
    const price = 'small (2 GB of memory, 2 processors, 60 GB of disk, 12 USD a month, stopped or not)';
    const dry = await keyboard.creel([...asked, '--dry-run']);
    expect(dry, dry.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(price) });
    const unsaid = await keyboard.creel(asked);
    expect(unsaid).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(price) });
    expect(unsaid.stderr).toContain('say --yes=paid');
    expect(accountOf(root).bill(region)).toEqual([]);
    const nowhere = await keyboard.creel([...asked.slice(0, -1), 'xx-north-1', '--dry-run']);
    expect(nowhere).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('there is no region xx-north-1') });
    const said = await keyboard.creel([...asked, '--yes', 'paid']);
    expect(said.exitCode, said.stderr).toBe(0);
    expect(accountOf(root).bill(region)).toHaveLength(1);
    const repaired = await keyboard.creel(['provision', 'paid']);
    expect(repaired.exitCode, repaired.stderr).toBe(0);
    for (const look of [['describe', 'paid'], ['list'], ['token', 'show', 'paid', '--yes=paid']])
      expect((await keyboard.creel(look)).exitCode, look.join(' ')).toBe(0);
    const gone = await keyboard.creel(['remove', 'paid', '--purge', '--yes', 'paid']);
    expect(gone.exitCode, gone.stderr).toBe(0);
    expect(accountOf(root).bill(region)).toEqual([]);
  });
});

describe('twenty gateways at once against a quota of ten machines', () => {
  let ground: DirectoryGround;
  const stages: DirectoryStage[] = [];

  beforeAll(async () => {
    ground = new DirectoryGround(await TestServer.start());
    accountOf(ground.root).become({ machines: 10, addresses: 40 });
    await ground.startWorker();
    for (let count = 0; count < 20; count += 1) stages.push(new DirectoryStage(ground));
  });
  afterAll(async () => {
    await Promise.all(stages.map((stage) => stage.close()));
    await ground.close();
    await ground.server.stop();
  });

  it('ten become ready, ten park with the quota named, and a raised quota and `retry` finish them', async () => {
    const parking = { ...spec, parkMs: 3_600_000 };
    await Promise.all(stages.map((stage) => stage.provision({ spec: parking })));
    const found = await Promise.all(
      stages.map((stage) => stage.until(({ phase, park }) => phase === 'ready' || park !== undefined)),
    );
    const parked = stages.filter((_, index) => found[index]?.park !== undefined);
    expect(found.filter(({ phase }) => phase === 'ready')).toHaveLength(10);
    expect(parked).toHaveLength(10);
    for (const { park } of found)
      if (park)
        expect(park).toMatchObject({ step: 'create machine', reason: expect.stringContaining('quota of 10 machines') });
    accountOf(ground.root).become({ machines: 20 });
    await Promise.all(parked.map((stage) => retry(stage)));
    for (const stage of parked) expect(await stage.settled()).toMatchObject({ phase: 'ready' });
    expect(
      accountOf(ground.root)
        .bill(region)
        .filter((line) => line.startsWith('machine')),
    ).toHaveLength(20);
  });
});
