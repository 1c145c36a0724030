import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/client/doctor/findings.js';
import { tellServed } from '../../src/client/deployment/engines.js';
import { deploymentWorkflowId, gatewayWorkflowId } from '../../src/wire/ids.js';
import { gatewayHostKey, gatewayPhaseKey } from '../../src/wire/search-attributes.js';
import { Keyboard } from '../ground/keyboard.js';
import { imageOf, testRelease } from '../world/open-test-world.js';
import { DirectoryHost } from '../world/directory-host.js';
import { DirectoryPager } from '../world/directory-pager.js';
import { engineIdAt } from '../world/directory-engine.js';

/** `creel doctor` over a deployment in which one thing after the other is not well, and mended by its cure. */
let keyboard: Keyboard;
const away = 'engine-away';
beforeAll(async () => {
  keyboard = await Keyboard.open();
});
afterAll(() => keyboard.close());

type Told = { readonly worst: string; readonly exit: number; readonly findings: readonly Finding[] };

async function doctor(...args: string[]): Promise<Told & { readonly code: number | undefined }> {
  const { stdout, exitCode: code } = await keyboard.creel(['doctor', '--json', ...args]);
  const told: Told = JSON.parse(stdout);
  return { ...told, code };
}

const on = ({ findings }: Told, about: string) => findings.find((each) => each.about === about);
const unwell = ({ findings }: Told) => findings.filter(({ is }) => is !== 'ok').map(({ about }) => about);

describe.sequential('creel doctor', () => {
  it('says that Temporal cannot be reached, with the code of every command for it', async () => {
    const told = await doctor('--address', '127.0.0.1:1');
    expect(told).toMatchObject({ code: 6, exit: 6, worst: 'fail' });
    expect(on(told, 'Temporal')?.says).toContain('127.0.0.1:1 (from the flag --address)');
  });

  it('fails in a namespace that is not there', async () => {
    const told = await doctor('--namespace', 'nowhere');
    expect(told).toMatchObject({ code: 4, worst: 'fail' });
    expect(on(told, 'deployment')).toMatchObject({ is: 'fail', says: expect.stringContaining('no namespace nowhere') });
  });

  it('names the command that makes a namespace, which works with neither key nor Temporal’s own program', async () => {
    const refused = await keyboard.creel(['list', '--namespace', 'elsewhere']);
    const [, command = ''] = /`creel (namespace [^`]*)`/.exec(refused.stderr) ?? [];
    const made = await keyboard.creel([...command.split(' '), '--json'], '', { PATH: '/nowhere' });
    expect(JSON.parse(made.stdout)).toEqual({ namespace: 'elsewhere', made: true, keptDays: 30 });
    const told = await doctor('--namespace', 'elsewhere');
    expect(on(told, 'retention')).toMatchObject({ is: 'ok', says: 'closed runs are kept for 30 days' });
    expect(on(told, 'deployment')?.says).toContain('belongs to no deployment yet');
  });

  it('says that no worker polls, until one is started', async () => {
    const told = await doctor();
    expect(told).toMatchObject({ code: 7, exit: 7 });
    expect(on(told, 'workers')).toMatchObject({ is: 'fail', cure: expect.stringContaining('creel worker') });
    await keyboard.ground.startWorker();
    expect(on(await doctor(), 'workers')).toMatchObject({ is: 'ok' });
  });

  it('warns of a namespace that forgets too soon, until it was told to keep runs longer (S3-25)', async () => {
    const told = await doctor();
    expect(told).toMatchObject({ code: 5, worst: 'warn' });
    expect(unwell(told)).toEqual(['retention']);
    const [, command = ''] = /`creel (.*)`/.exec(on(told, 'retention')?.cure ?? '') ?? [];
    const elsewhere = { TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_NAMESPACE: 'another' };
    expect(await keyboard.creel(command.split(' '), '', elsewhere)).toMatchObject({ exitCode: 0 });
    expect((await keyboard.creel(command.split(' '), '', elsewhere)).stdout).toContain(
      'is there; it keeps closed runs',
    );
    expect(on(await doctor(), 'retention')).toMatchObject({ is: 'ok' });
  });

  it('is well when everything is: workers, engine, catalogue, key, pager and clocks, each on a line', async () => {
    const client = await keyboard.stage.client();
    await tellServed(client, { engine: engineIdAt(keyboard.ground.root), host: 'm1' });
    const told = await doctor();
    expect(unwell(told)).toEqual([]);
    expect(told).toMatchObject({ code: 0, exit: 0, worst: 'ok' });
    expect(on(told, 'search attributes')).toMatchObject({ is: 'ok' });
    expect(on(told, 'Temporal')?.says).toMatch(/\(from TEMPORAL_ADDRESS\), version \d+\.\d+\.\d+, namespace default$/);
    expect(on(told, 'backup on m1')?.says).toContain('keys and secrets as they are');
    expect(on(told, 'engine on m1')?.says).toMatch(/^Docker 29\.0\.0/);
    expect(on(told, 'catalogue on m1')?.says).toContain(testRelease);
    for (const about of ['worker on m1', 'key on m1', 'pager on m1', 'clock of m1', 'clock here', 'gateways'])
      expect(on(told, about), about).toMatchObject({ is: 'ok' });
    const text = await keyboard.creel(['doctor']);
    expect(text).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^ok {4}Temporal +answers at [^]*\nok /) });
    expect(new DirectoryPager(keyboard.ground.root).pages()).toEqual([]);
  });

  it('pages for real with --page alone, once for each time, and says when nobody acknowledges', async () => {
    const told = await doctor('--page');
    expect(on(told, 'pager on m1')).toMatchObject({ is: 'ok', says: 'a page was sent and acknowledged' });
    expect(new DirectoryPager(keyboard.ground.root).pages()).toMatchObject([
      { gateway: 'none', title: 'creel doctor: a test of the pager' },
    ]);
    const pages = path.join(keyboard.ground.root, 'pages');
    fs.renameSync(pages, `${pages}.aside`);
    fs.writeFileSync(pages, 'in the way');
    const broken = await doctor('--page');
    expect(on(broken, 'pager on m1')).toMatchObject({ is: 'fail' });
    expect(broken.code).toBe(4);
    fs.rmSync(pages);
    fs.renameSync(`${pages}.aside`, pages);
    expect(on(await doctor('--page'), 'pager on m1')).toMatchObject({ is: 'ok' });
  });

  it('warns of an image that was to be built here, until it is there', async () => {
    const { engine } = keyboard.ground.world;
    const image = await engine.findImage(imageOf('2026.9.7'));
    await engine.removeImage(imageOf('2026.9.7'));
    const told = await doctor();
    expect(unwell(told)).toEqual(['catalogue on m1']);
    expect(on(told, 'catalogue on m1')?.cure).toContain('`creel release add 2026.9.7` there');
    engine.addImage(imageOf('2026.9.7'), { id: image?.id ?? '', labels: image?.labels ?? {} });
    expect(unwell(await doctor())).toEqual([]);
  });

  it('warns of a gateway that waits for a person, until it is answered', async () => {
    keyboard.ground.interferences.set('probeChannels', 'stuck', 'fail');
    await keyboard.creel(['provision', 'stuck', '--release', testRelease, '--dev', '--park-for', '1 hour']);
    await expect.poll(async () => unwell(await doctor()), { timeout: 60_000 }).toEqual(['gateways']);
    keyboard.ground.interferences.clear('probeChannels', 'stuck');
    const listed = await keyboard.creel(['list', '--attention', '--json']);
    expect(listed.stdout).toContain('"gateway":"stuck"');
    const { park } = JSON.parse((await keyboard.creel(['describe', 'stuck', '--no-probe', '--json'])).stdout);
    await keyboard.creel(['retry', 'stuck', '--park', park.number]);
    await expect.poll(async () => unwell(await doctor()), { timeout: 60_000 }).toEqual([]);
  });

  it('names a state that takes more than its disk, and a disk that is promised twice, until they have other limits (S0-34)', async () => {
    const made = await keyboard.creel(['provision', 'full', '--release', testRelease, '--dev', '--disk', '10 GB']);
    expect(made.exitCode, made.stdout).toBe(0);
    const describe = async () => (await keyboard.creel(['describe', 'full'])).stdout;
    expect(await describe()).toMatch(/^ {2}disk +state 0\.0 GB of 10 GB$/m);
    expect(on(await doctor(), 'disk on m1')).toMatchObject({
      is: 'ok',
      says: '1 states may take 10.0 GB and take 0.0 GB',
    });
    const { engine } = keyboard.ground.world;
    const { life } = JSON.parse((await keyboard.creel(['describe', 'full', '--no-probe', '--json'])).stdout);
    engine.takes(keyboard.ground.world.namesOf(life).volume, 11 * 1024 ** 3);
    const told = await doctor();
    expect(unwell(told)).toEqual(['state of full']);
    expect(on(told, 'state of full')).toMatchObject({
      is: 'warn',
      says: expect.stringMatching(/^11\.0 GB of 10 GB: over/),
    });
    expect(await describe()).toMatch(/disk +state 11\.0 GB of 10 GB: over$/m);
    expect((await keyboard.creel(['rotate', 'full'])).exitCode).toBe(0);
    const planned = await keyboard.creel(['upgrade', 'full', '--release', '2026.9.7', '--dev', '--dry-run']);
    expect(planned).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/the state of full takes 11\.0 GB of 10 GB/),
    });
    const refused = await keyboard.creel(['upgrade', 'full', '--release', '2026.9.7', '--dev']);
    expect(refused.stdout).toMatch(/the state of full takes 11\.0 GB of 10 GB/);
    expect((await keyboard.creel(['change', 'full', '--disk', '12 GB', '--dry-run'])).stdout).toMatch(
      /only the record changes[^]*silent for +0 s/,
    );
    expect((await keyboard.creel(['change', 'full', '--disk', '12 GB'])).exitCode).toBe(0);
    expect(on(await doctor(), 'state of full')).toMatchObject({ is: 'warn', says: '11.0 GB of 12 GB' });
    new DirectoryHost(keyboard.ground.root).become({ freeDiskBytes: 3 * 1024 ** 3 });
    expect((await keyboard.creel(['change', 'full', '--disk', '20 GB'])).exitCode).toBe(0);
    expect(on(await doctor(), 'disk on m1')).toMatchObject({
      is: 'warn',
      says: expect.stringContaining('may take 9.0 GB more'),
    });
    expect((await keyboard.creel(['change', 'full', '--disk', 'none'])).exitCode).toBe(0);
    const well = await doctor();
    expect([on(well, 'disk on m1'), on(well, 'state of full')]).toEqual([undefined, undefined]);
    new DirectoryHost(keyboard.ground.root).become({ freeDiskBytes: 100 * 1024 ** 3 });
    expect((await keyboard.creel(['remove', 'full', '--purge', '--yes=full'])).exitCode).toBe(0);
  });

  it('fails for gateways on an engine beside which no worker stands, and is silent about one that holds none', async () => {
    const client = await keyboard.stage.client();
    await tellServed(client, { engine: away, host: 'm2' });
    expect(on(await doctor(), 'engine on m2')).toMatchObject({
      is: 'ok',
      says: expect.stringContaining('no gateway stands on it'),
    });
    await client.workflow.start('gateway', {
      workflowId: gatewayWorkflowId('away'),
      taskQueue: 'nobody',
      typedSearchAttributes: [
        { key: gatewayHostKey, value: away },
        { key: gatewayPhaseKey, value: 'ready' },
      ],
    });
    await expect.poll(async () => unwell(await doctor()), { timeout: 60_000 }).toEqual(['engine on m2']);
    await client.workflow.getHandle(deploymentWorkflowId).terminate('a person did it');
    const ended = await doctor();
    expect(on(ended, 'deployment')).toMatchObject({ is: 'fail', cure: expect.stringContaining('creel init') });
    expect((await keyboard.creel(['init'])).exitCode).toBe(0);
    expect(on(await doctor(), 'deployment')).toMatchObject({ is: 'ok' });
  });
});

it('creel doctor of a Temporal that has lost search attributes names them, and all that it can find out without them', async () => {
  const other = await Keyboard.open();
  try {
    await other.ground.startWorker();
    const client = await other.stage.client();
    await tellServed(client, { engine: engineIdAt(other.ground.root), host: 'm1' });
    const { namespace } = client.options;
    const searchAttributes = ['GatewayHost', 'NeedsAttention'];
    await client.connection.operatorService.removeSearchAttributes({ namespace, searchAttributes });
    const told = async (): Promise<Told> => JSON.parse((await other.creel(['doctor', '--json'])).stdout);
    await expect
      .poll(async () => on(await told(), 'search attributes')?.says, { timeout: 90_000 })
      .toBe('GatewayHost, NeedsAttention cannot be asked for');
    const seen = await told();
    expect(seen).toMatchObject({ exit: 4, worst: 'fail' });
    expect(unwell(seen)).toEqual(expect.arrayContaining(['search attributes', 'engines', 'gateways']));
    for (const about of ['deployment', 'master key', 'workers', 'worker on m1', 'engine on m1', 'clock of m1'])
      expect(on(seen, about), about).toMatchObject({ is: 'ok' });
  } finally {
    await other.close();
  }
});

it('creel doctor ends with 7, as every other command, where workers poll and none answers beside an engine', async () => {
  const other = await Keyboard.open();
  try {
    await other.ground.startWorker('workflows');
    const client = await other.stage.client();
    await tellServed(client, { engine: away, host: 'm2' });
    const typedSearchAttributes = [
      { key: gatewayHostKey, value: away },
      { key: gatewayPhaseKey, value: 'ready' },
    ];
    const workflowId = gatewayWorkflowId('away');
    await client.workflow.start('gateway', { workflowId, taskQueue: 'nobody', typedSearchAttributes });
    const told = async (): Promise<Told> => JSON.parse((await other.creel(['doctor', '--json'])).stdout);
    await expect.poll(async () => (await told()).exit, { timeout: 60_000 }).toBe(7);
    const seen = await told();
    expect(on(seen, 'workers')).toMatchObject({ is: 'fail', says: expect.stringContaining('none of them answers') });
    expect(on(seen, 'engine on m2')).toMatchObject({
      is: 'fail',
      says: expect.stringContaining('no worker stands beside it'),
    });
  } finally {
    await other.close();
  }
});
