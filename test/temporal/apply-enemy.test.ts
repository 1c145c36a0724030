import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Keyboard } from '../ground/keyboard.js';
import { testRelease } from '../world/open-test-world.js';

/** `creel apply` under people and machines that do what they should not. */
let keyboard: Keyboard;
let customers: string;
beforeAll(async () => {
  keyboard = await Keyboard.open();
  await keyboard.ground.keepWorker();
  customers = path.join(keyboard.ground.root, 'customers');
  fs.mkdirSync(customers);
});
afterAll(() => keyboard.close());

const ids = ['a1', 'a2', 'a3', 'a4', 'a5'];

function write(name: string, ...lines: string[]): void {
  const release = lines.some((line) => line.startsWith('release')) ? [] : [`release = "${testRelease}"`];
  fs.writeFileSync(
    path.join(customers, `${name}.toml`),
    [...release, 'dev = true', 'keep_state = "0"', ...lines].join('\n'),
  );
}

const apply = (...args: string[]) => keyboard.creel(['apply', '-f', customers, '--no-probe', ...args]);

async function specOf(id: string): Promise<unknown> {
  return JSON.parse((await keyboard.creel(['describe', id, '--no-probe', '--json'])).stdout).life.spec;
}

describe('an apply of five files', () => {
  it('whose command and worker are killed goes on with the next one, and makes nothing twice', async () => {
    for (const id of ids) write(id);
    keyboard.ground.interferences.set('ensureContainer', 'a2', 'hold before');
    const killed = apply('--at-once', '2');
    const worker = await keyboard.ground.interferences.held('ensureContainer', 'a2');
    killed.kill('SIGKILL');
    process.kill(worker, 'SIGKILL');
    await killed;
    keyboard.ground.interferences.clear('ensureContainer', 'a2');
    const again = await apply();
    expect(again.exitCode, again.stdout).toBe(0);
    const containers = keyboard.ground.world.engine.leftovers().filter((each) => each.startsWith('container oc-a'));
    expect(containers).toHaveLength(ids.length);
    expect((await apply()).stdout).toMatch(/^5 as it should be$/m);
  });

  it('and another one at the same time come to one thing, and both say so', async () => {
    for (const id of ids) write(id, 'memory = "4 GB"', 'cpus = 4');
    write('a5', 'release = "2026.9.7"');
    keyboard.ground.interferences.set('ensureLimits', 'a1', 'hold before');
    const one = apply('--at-once', '5');
    await keyboard.ground.interferences.held('ensureLimits', 'a1');
    const looked = apply('--at-once', '5');
    await once(looked.stdout, 'data');
    keyboard.ground.interferences.clear('ensureLimits', 'a1');
    const [first, second] = await Promise.all([one, looked]);
    expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
    expect(await specOf('a1')).toMatchObject({ memoryMb: 4096 });
    expect((await apply()).stdout).toMatch(/^5 as it should be$/m);
  });

  it('that begin at once come to one thing', async () => {
    for (const id of ids) write(id, 'memory = "3 GB"', 'park_for = "1 hour"');
    write('a4', 'release = "2026.9.7"');
    write('a5', 'release = "2026.9.7"');
    write('b1');
    const ends = await Promise.all([apply('--at-once', '3'), apply('--at-once', '3')]);
    const said = ends.map(({ stdout, stderr }) => stdout + stderr).join('\n\n');
    expect(
      ends.map(({ exitCode }) => exitCode),
      said,
    ).toEqual([0, 0]);
    expect(said).not.toContain('✗');
    expect((await apply()).stdout).toMatch(/^6 as it should be$/m);
  });
});
