import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registry } from '../../src/workflows/operations.js';
import { suspendSteps } from '../../src/workflows/suspend/operation.js';
import { provisionSteps } from '../../src/workflows/provision/operation.js';
import { Keyboard } from '../ground/keyboard.js';
import type { DirectoryStage } from '../ground/directory-stage.js';
import { testRelease } from '../world/open-test-world.js';
import { onKeptWorker } from './on-stage.js';

const doing = (steps: readonly string[]) => steps.map((step) => registry[step]?.do ?? '');
const asked = () => ({ requestId: randomBytes(8).toString('hex'), origin: 'test' });

async function ready(stage: DirectoryStage) {
  await stage.provision();
  const { life } = await stage.settled();
  if (!life) throw new Error('nothing lives');
  const { container } = stage.ground.world.namesOf(life);
  return { life, container: () => stage.ground.world.engine.findContainer(container) };
}

describe('a worker killed after the effect and before the report of', () => {
  const on = onKeptWorker();

  for (const activity of doing(suspendSteps))
    on(`${activity}: the gateway is suspended`, async (stage) => {
      stage.interfere(activity, 'crash after');
      const { container } = await ready(stage);
      await stage.request({ ...asked(), kind: 'suspend', reason: 'unpaid' });
      expect(await stage.settled()).toMatchObject({ phase: 'suspended', last: { kind: 'suspend', outcome: 'done' } });
      expect(await container()).toMatchObject({ state: 'exited', restartPolicy: 'no' });
    });

  on('removeSuspension: it serves as before', async (stage) => {
    stage.interfere('removeSuspension', 'crash after');
    stage.interfere('probeSuspended', 'fail');
    const { container } = await ready(stage);
    await stage.request({ ...asked(), kind: 'suspend' });
    expect(await stage.settled()).toMatchObject({ phase: 'ready', last: { kind: 'suspend', outcome: 'undone' } });
    expect(await container()).toMatchObject({ state: 'running', restartPolicy: 'always' });
  });

  for (const activity of doing(provisionSteps))
    on(`${activity} of a resumption: it serves again, as the gateway that it was`, async (stage) => {
      const { life, container } = await ready(stage);
      await stage.request({ ...asked(), kind: 'suspend' });
      expect(await stage.settled()).toMatchObject({ phase: 'suspended' });
      stage.interfere(activity, 'crash after');
      await stage.request({ ...asked(), kind: 'resume' });
      expect(await stage.settled()).toMatchObject({ phase: 'ready', life, last: { kind: 'resume', outcome: 'done' } });
      expect(await container()).toMatchObject({ state: 'running', restartPolicy: 'always' });
    });
});

describe('creel suspend and creel resume, typed', () => {
  let keyboard: Keyboard;
  beforeAll(async () => {
    keyboard = await Keyboard.open();
    await keyboard.ground.keepWorker();
  });
  afterAll(() => keyboard.close());

  const creel = (...args: string[]) => keyboard.creel(args);

  it('a suspended gateway is listed, skipped with the reason, and told of by whatever is asked of it', async () => {
    const file = path.join(keyboard.ground.root, 'late.toml');
    fs.writeFileSync(file, `release = "${testRelease}"\ndev = true\nrotation = "scheduled"\n`);
    expect((await creel('provision', 'late', '-f', file)).exitCode).toBe(0);
    const before = JSON.parse((await creel('describe', 'late', '--json')).stdout);

    const suspended = await creel('suspend', 'late', '--reason', 'unpaid since June');
    expect(suspended).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('creel resume late') });
    const listed = JSON.parse((await creel('list', '--phase', 'suspended', '--json')).stdout);
    expect(listed).toMatchObject({ gateway: 'late', phase: 'suspended', needsAttention: false });
    expect((await creel('describe', 'late')).stdout).toMatch(
      /^late {2}suspended since [^]*reason +unpaid since June\n/,
    );

    const why = /late is suspended since \S+Z \(unpaid since June\)\. `creel resume late`/;
    for (const args of [
      ['open', 'late'],
      ['devices', 'late'],
      ['rotate', 'late'],
      ['upgrade', 'late', '--release', '2026.9.7', '--dev'],
      ['change', 'late', '--memory', '3 GB'],
      ['provision', 'late', '-f', file],
      ['suspend', 'late'],
    ])
      expect(await creel(...args), args.join(' ')).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(why) });
    expect((await creel('token', 'show', 'late', '--yes=late')).exitCode).toBe(0);

    const fleet = await creel('rotate', '--all', '--dry-run');
    expect(fleet.stdout).toContain('late: it is suspended');
    const applied = await creel('apply', '-f', file);
    expect(applied).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('– late: skipped: late is suspended'),
    });

    const resumed = await creel('resume', 'late');
    expect(resumed.exitCode).toBe(0);
    const after = JSON.parse((await creel('describe', 'late', '--json')).stdout);
    expect(after).toMatchObject({ phase: 'ready', life: before.life, record: { port: before.record.port } });
    expect(after.suspended).toBeUndefined();
    expect(await creel('resume', 'late')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('late is not suspended'),
    });
  });
});
