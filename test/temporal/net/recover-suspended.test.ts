import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Keyboard } from '../../ground/keyboard.js';
import { patienceMs } from '../../ground/patience.js';
import { testRelease } from '../../world/open-test-world.js';

let keyboard: Keyboard;
beforeAll(async () => {
  keyboard = await Keyboard.open();
});
afterAll(() => keyboard.close());

const creel = (...args: string[]) => keyboard.creel(args);

it(
  'a gateway that is suspended stays so through an export and a recovery, says why, and is resumed as it was (K-6)',
  { timeout: 3 * patienceMs },
  async () => {
    const { ground } = keyboard;
    const file = path.join(ground.root, 'creel.jsonl');
    await ground.startWorker();
    expect((await creel('provision', 'late', '--release', testRelease, '--dev')).exitCode).toBe(0);
    const before = JSON.parse((await creel('describe', 'late', '--json')).stdout);
    expect((await creel('suspend', 'late', '--reason', 'unpaid since June')).exitCode).toBe(0);
    expect((await creel('export', '--out', file)).exitCode).toBe(0);
    await ground.killWorkers();
    await ground.server.lose();

    expect((await creel('init', '--from', file)).exitCode).toBe(0);
    await ground.startWorker();
    const recovered = await creel('recover', '--from', file);
    expect(recovered, recovered.stdout + recovered.stderr).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('late: recovered: it stays suspended'),
    });
    const { container } = ground.world.namesOf(before.life);
    const found = () => ground.world.engine.findContainer(container);
    expect(await found()).toMatchObject({ state: 'exited', restartPolicy: 'no' });
    const again = JSON.parse((await creel('describe', 'late', '--json')).stdout);
    expect(again).toMatchObject({ phase: 'suspended', life: before.life, suspended: { reason: 'unpaid since June' } });
    expect(await creel('open', 'late')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/late is suspended since \S+Z \(unpaid since June\)/),
    });

    expect((await creel('resume', 'late')).exitCode).toBe(0);
    expect(await found()).toMatchObject({ state: 'running', restartPolicy: 'always' });
    expect(JSON.parse((await creel('describe', 'late', '--json')).stdout)).toMatchObject({
      phase: 'ready',
      life: before.life,
      record: { port: before.record.port },
    });
  },
);
