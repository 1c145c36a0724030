import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tellServed } from '../../../src/client/deployment/engines.js';
import { hostReserveMb } from '../../../src/domain/thresholds.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { Keyboard } from '../../ground/keyboard.js';
import { patienceMs } from '../../ground/patience.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { testRelease } from '../../world/open-test-world.js';

/** Two machines of one deployment, and somebody who types. */
describe('creel hosts, with two machines', { timeout: 2 * patienceMs }, () => {
  let keyboard: Keyboard;
  let other: DirectoryGround;
  let engines: readonly string[];

  beforeAll(async () => {
    keyboard = await Keyboard.open();
    const { ground, stage } = keyboard;
    other = new DirectoryGround(ground.server, ground.queue);
    engines = [ground.root, other.root].map(engineIdAt);
    process.env['TEST_ENGINES'] = engines.join(',');
    new DirectoryHost(ground.root).become({ memoryMb: 8_192 + hostReserveMb, cpus: 4 });
    new DirectoryHost(other.root).become({ memoryMb: 4_096 + hostReserveMb, cpus: 2 });
    await Promise.all([ground.startWorker(), other.startWorker()]);
    const client = await stage.client();
    for (const engine of engines) await tellServed(client, { engine, host: `host-${engine}` });
  });

  afterAll(async () => {
    delete process.env['TEST_ENGINES'];
    await other.close();
    await keyboard.close();
  });

  const type = (...args: string[]) => keyboard.creel(args);
  const provision = (id: string, ...more: string[]) =>
    type('provision', id, '--release', testRelease, '--dev', '--keep-state', '0', ...more);

  it('hosts are listed, described and cordoned, and say what would have to leave them', async () => {
    const [roomy = '', small = ''] = engines;
    expect(await type('release', 'list')).toMatchObject({ exitCode: 0 }); // It looks at images, and tries no fence.
    expect(await type('hosts', 'list')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(
        new RegExp(
          `host-${roomy} +0 GB of 8 GB +0 of 16 +0 GB of \\d+ GB +0 +yes +not tried +1 +${roomy} \\(29\\.0\\.0\\)`,
        ),
      ),
    });
    expect(await provision('g1')).toMatchObject({ exitCode: 0 });
    expect(JSON.parse((await type('hosts', 'describe', `host-${roomy}`, '--json')).stdout)).toMatchObject({
      engine: roomy,
      gateways: ['g1'],
      line: { promised: { memoryMb: 2_048, cpus: 2, diskMb: 0 }, memoryMb: 8_192, cpus: 16, gateways: 1 },
    });
    expect((await type('describe', 'g1')).stdout).toContain(`  host        host-${roomy}\n`);
    expect((await type('hosts', 'describe', roomy)).stdout).toMatch(
      /memory +2 GB of 8 GB promised\n.*\n.*\n +new ones +yes\n +fence +fenced\n[^]*\n +gateways +g1$/,
    );
    fs.writeFileSync(path.join(other.root, 'open-fence'), 'private');
    expect((await type('hosts', 'describe', small)).stdout).toMatch(
      /fence +open: private networks\n +tried +\S+, from [^]* private 10\.0\.0\.1:80: open\n/,
    );
    fs.rmSync(path.join(other.root, 'open-fence'));
    const fences = async () => (await type('hosts', 'list')).stdout;
    await expect
      .poll(fences, { timeout: patienceMs })
      .toMatch(new RegExp(`host-${small} .* yes +open: private networks `));
    expect(await fences()).toMatch(new RegExp(`host-${roomy} .* yes +fenced `));
    expect((await type('hosts', 'cordon', `host-${roomy}`)).stdout).toBe(`host-${roomy}: no new gateway comes to it`);
    expect((await type('hosts', 'list')).stdout).toMatch(new RegExp(`host-${roomy} .* no: cordoned`));
    for (const id of ['g2', 'g3']) expect(await provision(id)).toMatchObject({ exitCode: 0 });
    expect(JSON.parse((await type('hosts', 'describe', small, '--json')).stdout).gateways).toEqual(['g2', 'g3']);
    const full = await provision('g4');
    expect(full.exitCode).not.toBe(0);
    const said = full.stderr + full.stdout;
    expect(said).toContain('no host has room for g4, which asks for 2 GB of memory, 2 processors. ');
    expect(said).toContain(`host-${roomy}: it is cordoned`);
    expect(said).toContain(`host-${small}: it lacks memory (0 GB of 4 GB left)`);
    const drained = await type('hosts', 'drain', `host-${small}`, '--dry-run');
    expect(drained.stdout).toMatch(
      /2 gateways on .*: g2, g3\nThey take 4 GB of memory; the other hosts have 0 GB left\.[^]*creel remove g2/,
    );
    expect(await type('hosts', 'drain', small)).toMatchObject({ exitCode: 2 });
    expect((await type('hosts', 'uncordon', `host-${roomy}`)).stdout).toContain('new gateways come to it again');
    expect(await provision('g4')).toMatchObject({ exitCode: 0 });
    expect(await type('hosts', 'describe', 'b9')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('no worker ever served a host b9'),
    });
  });

  it('a change of memory, a state that is kept and a removal are on the ledger', async () => {
    const [roomy = ''] = engines;
    const promised = async () =>
      JSON.parse((await type('hosts', 'describe', roomy, '--json')).stdout).line.promised as unknown;
    expect(await promised()).toEqual({ memoryMb: 4_096, cpus: 4, diskMb: 0 });
    expect(await type('change', 'g1', '--memory', '3 GB', '--disk', '5 GB')).toMatchObject({ exitCode: 0 });
    expect(await promised()).toEqual({ memoryMb: 5_120, cpus: 4, diskMb: 5_120 });
    expect(await type('change', 'g1', '--keep-state', '1 day')).toMatchObject({ exitCode: 0 });
    expect(await type('remove', 'g1', '--yes', 'g1')).toMatchObject({ exitCode: 0 });
    expect(await promised()).toEqual({ memoryMb: 2_048, cpus: 2, diskMb: 5_120 });
    const drained = async () => (await type('hosts', 'drain', roomy, '--dry-run')).stdout;
    await expect
      .poll(drained, { timeout: patienceMs })
      .toMatch(
        /^1 gateway on \S+: g4\n[^]*\n {2}creel remove g4\nOn \S+ the states of g1 are kept, which were removed\. To let them go:\n {2}creel remove g1 --purge$/,
      );
    expect(await type('remove', 'g1', '--purge', '--yes', 'g1')).toMatchObject({ exitCode: 0 });
    expect(await type('remove', 'g4', '--yes', 'g4')).toMatchObject({ exitCode: 0 });
    expect(await promised()).toEqual({ memoryMb: 0, cpus: 0, diskMb: 0 });
    await expect.poll(drained, { timeout: patienceMs }).toMatch(/ has no gateway: nothing keeps it\.$/);
  });
});

describe('creel hosts, with one machine', { timeout: 2 * patienceMs }, () => {
  let keyboard: Keyboard;

  beforeAll(async () => {
    keyboard = await Keyboard.open();
    const { ground, stage } = keyboard;
    await ground.startWorker();
    await tellServed(await stage.client(), { engine: engineIdAt(ground.root), host: 'here' });
  });
  afterAll(() => keyboard.close());

  it('the only host takes nobody while it is cordoned', async () => {
    const provision = (id: string) =>
      keyboard.creel(['provision', id, '--release', testRelease, '--dev', '--keep-state', '0']);
    expect(await provision('g1')).toMatchObject({ exitCode: 0 });
    expect(await keyboard.creel(['hosts', 'cordon', 'here'])).toMatchObject({ exitCode: 0 });
    const refused = await provision('g2');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr + refused.stdout).toMatch(/no host has room for g2.* it is cordoned/);
    expect(await keyboard.creel(['hosts', 'uncordon', 'here'])).toMatchObject({ exitCode: 0 });
    expect(await provision('g2')).toMatchObject({ exitCode: 0 });
  });
});
