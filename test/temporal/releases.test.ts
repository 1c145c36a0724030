import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '@temporalio/client';
import { tellServed } from '../../src/client/deployment/engines.js';
import { removeRelease } from '../../src/client/deployment/releases.js';
import { releaseUpdate } from '../../src/wire/deployment-releases.js';
import { deploymentWorkflowId } from '../../src/wire/ids.js';
import { continueAsNewSignal } from '../../src/wire/messages.js';
import { Keyboard } from '../ground/keyboard.js';
import { NpmRegistry } from '../ground/registries/npm-registry.js';
import { engineIdAt } from '../world/directory-engine.js';
import { imageOf, testRelease } from '../world/open-test-world.js';

/** `creel release` beside gateways of a directory world, whose workers were started before any release was added. */
let keyboard: Keyboard;
beforeAll(async () => {
  keyboard = await Keyboard.open();
});
afterAll(() => keyboard.close());

const [early, fresh, newer, passing] = ['2026.9.19', '2026.9.20', '2026.9.21', '2026.9.22'];

function build(version: string): void {
  const labels = {
    'creel.release': version,
    'creel.plugins': 'telegram',
    'creel.capabilities': 'startupz,hot-reload-token',
    'creel.schema.state': '30',
  };
  keyboard.ground.world.engine.addImage(imageOf(version), { id: `sha256:${version.padEnd(64, '0')}`, labels });
}

async function listed(): Promise<Record<string, unknown>> {
  const { stdout } = await keyboard.creel(['release', 'list', '--json']);
  const { releases } = JSON.parse(stdout) as { releases: { version: string }[] };
  return Object.fromEntries(releases.map(({ version, ...rest }) => [version, rest]));
}

const provision = (id: string, release: string) =>
  keyboard.creel(['provision', id, '--release', release, '--dev', '--keep-state', '1 hour']);
const add = (version: string, ...more: string[]) =>
  keyboard.creel(['release', 'add', version, '--image', imageOf(version), '--dev', ...more]);
const remove = (version: string) => keyboard.creel(['release', 'remove', version]);

describe.sequential('a release', () => {
  it('cannot be added or taken out without a worker, and the list says that there is none', async () => {
    expect(await add(early)).toMatchObject({ exitCode: 7, stderr: expect.stringContaining('twice is once') });
    const { stdout } = await keyboard.creel(['release', 'list']);
    expect(stdout).toBe('There is none. `creel release add` adds one.');
    await keyboard.ground.startWorker();
    await keyboard.ground.startWorker();
    const client = await keyboard.stage.client();
    await tellServed(client, { engine: engineIdAt(keyboard.ground.root), host: 'm1' });
    expect(await add(early)).toMatchObject({ exitCode: 0 });
    expect((await listed())[early]).toMatchObject({ recorded: true, workers: [{ host: 'm1', here: false }] });
  });

  it('of the workers’ own files is listed as such, and is what there is until one is on record', async () => {
    expect((await listed())[testRelease]).toEqual({
      dev: true,
      recorded: false,
      gateways: 0,
      workers: [{ host: 'm1', here: true, channels: ['telegram'] }],
    });
    const { stdout } = await keyboard.creel(['release', 'list']);
    expect(stdout).toContain(
      `${testRelease}  dev  in the file of the worker on m1; its image is on m1 (channels: telegram); 0 gateways`,
    );
  });

  it('that is added is taken by every worker that runs, without a start of it', async () => {
    build(fresh);
    const before = await provision('early', fresh);
    expect(before.stderr + before.stdout).toContain(`\`creel release add ${fresh} --image`);
    expect(before.exitCode).toBe(4);
    expect(await add(fresh)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is on record') });
    expect(await add(fresh)).toMatchObject({ exitCode: 0 });
    expect((await provision('one', fresh)).exitCode).toBe(0);
    expect((await listed())[fresh]).toEqual({
      image: imageOf(fresh),
      dev: true,
      recorded: true,
      gateways: 1,
      workers: [{ host: 'm1', here: true, channels: ['telegram'] }],
    });
  });

  it('is on record still when the record has begun anew, and when the workers have', async () => {
    const client = await keyboard.stage.client();
    const handle = client.workflow.getHandle(deploymentWorkflowId);
    const { runId } = await handle.describe();
    await handle.signal(continueAsNewSignal);
    await expect.poll(async () => (await handle.describe()).runId, { timeout: 20_000 }).not.toBe(runId);
    expect((await listed())[fresh]).toMatchObject({ recorded: true });
    expect(await add(fresh)).toMatchObject({ exitCode: 0 });
  });

  it('that is malformed, floating or not pinned is refused before anything is told', async () => {
    const { stderr, exitCode } = await keyboard.creel(['release', 'add', 'latest', '--image', 'x', '--dev']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('is not a version')]);
    const loose = await keyboard.creel(['release', 'add', newer, '--image', 'registry.example/openclaw:1']);
    expect(loose).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('is not pinned') });
    expect(await add(newer, '--ready-within', '1 second')).toMatchObject({ exitCode: 2 });
    expect((await listed())[newer]).toBeUndefined();
  });

  it('is not taken out while it is the last one, a gateway is on it, may go back to it, or has kept its state', async () => {
    expect(await remove(fresh)).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('needed by one') });
    build(newer);
    await add(newer);
    expect((await keyboard.creel(['upgrade', 'one', '--release', newer, '--dev'])).exitCode).toBe(0);
    expect(await remove(fresh)).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('needed by one') });
    expect(await remove(newer)).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('#release-in-use') });
    await keyboard.creel(['remove', 'one']);
    expect(await remove(newer)).toMatchObject({ exitCode: 3 });
    expect((await keyboard.creel(['remove', 'one', '--purge', '--yes=one'])).exitCode).toBe(0);
    expect(await remove(early)).toMatchObject({ exitCode: 0 });
    expect(await remove(newer)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('off the record') });
    expect(await remove(newer)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('was not on record') });
    expect(await remove(fresh)).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('is the last one') });
  });

  it('that a gateway takes between the look and the removal stays on record', async () => {
    build(passing);
    await add(passing);
    const client = await keyboard.stage.client();
    let taken = false;
    const between = new Client({
      connection: client.connection,
      namespace: client.options.namespace,
      interceptors: {
        workflow: [
          {
            startUpdate: async (input, next) => {
              if (!taken && input.updateName === releaseUpdate.name)
                taken = (await provision('quick', passing)).exitCode === 0;
              return next(input);
            },
          },
        ],
      },
    });
    await expect(removeRelease(between, passing)).rejects.toThrow(/needed by quick.* Nothing was removed/);
    expect(taken).toBe(true);
    expect((await listed())[passing]).toMatchObject({ recorded: true, image: imageOf(passing), gateways: 1 });
    expect((await keyboard.creel(['provision', 'quick'])).exitCode).toBe(0);
    expect((await keyboard.creel(['remove', 'quick', '--purge', '--yes=quick'])).exitCode).toBe(0);
    expect(await remove(passing)).toMatchObject({ exitCode: 0 });
  });

  it('is not taken out while a gateway is on its way to some release', async () => {
    await add(newer);
    expect((await provision('mover', fresh)).exitCode).toBe(0);
    keyboard.ground.interferences.set('ensureRehearsal', 'mover', 'hold before');
    await keyboard.creel(['upgrade', 'mover', '--release', newer, '--dev', '--detach']);
    expect(await remove(newer)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('mover is being upgraded'),
    });
    keyboard.ground.interferences.clear('ensureRehearsal', 'mover');
  });

  it('that is newer upstream is told, and which went back here, by an exit code for a schedule', async () => {
    const registry = await NpmRegistry.open([testRelease, fresh]);
    const { environment } = registry;
    const check = (...more: string[]) => keyboard.creel(['release', 'check', ...more], '', environment);
    try {
      expect(await check()).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('nothing newer is published'),
      });
      registry.versions = [testRelease, '2026.9.30', '2026.9.31-beta.1', '2026.10.1'];
      expect((await provision('judge', testRelease)).exitCode).toBe(0);
      for (const release of ['2026.9.8-crashes', '2026.9.8-refuses'])
        expect((await keyboard.creel(['upgrade', 'judge', '--release', release, '--dev'])).exitCode).toBe(4);
      const told = await check('--json');
      expect(told.exitCode).toBe(5);
      const { newer, bad, exit } = JSON.parse(told.stdout);
      expect(exit).toBe(5);
      expect(newer).toEqual([
        { version: '2026.10.1', latest: true, failures: 0 },
        { version: '2026.9.30', latest: false, failures: 0 },
      ]);
      expect(bad).toMatchObject([
        { version: '2026.9.8-refuses', failures: 1, last: { gateway: 'judge' } },
        { version: '2026.9.8-crashes', failures: 1, last: { gateway: 'judge' } },
      ]);
      const { stdout } = await check();
      expect(stdout).toContain('2026.10.1 (latest) is newer');
      expect(stdout).toMatch(/2026\.9\.8-crashes is known here; went back here once, last on judge at /);
      registry.versions = [];
      expect(await check()).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('npm config get registry') });
    } finally {
      await registry.close();
    }
    expect(await check()).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('ECONNREFUSED') });
  });

  it('may be on machines whose worker does not say, which are named', async () => {
    await tellServed(await keyboard.stage.client(), { engine: 'engine-away', host: 'm2' });
    const { stdout } = await keyboard.creel(['release', 'list']);
    expect(stdout).toMatch(
      /on record; its image is on m1 \(channels: telegram\); \d gateways\n[^]*the worker on m2 does not say what it has$/,
    );
    const registry = await NpmRegistry.open(['2026.10.1']);
    try {
      const check = (...more: string[]) => keyboard.creel(['release', 'check', ...more], '', registry.environment);
      expect((await check()).stdout).toMatch(/^the worker on m2 does not say what it has$/m);
      expect(JSON.parse((await check('--json')).stdout)).toMatchObject({ exit: 7, silent: ['m2'] });
      registry.versions = [testRelease];
      expect(JSON.parse((await check('--json')).stdout)).toMatchObject({ exit: 0, newer: [], silent: ['m2'] });
    } finally {
      await registry.close();
    }
  });
});
