import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { homeIn } from '../../../src/dev/demo-home.js';
import { endAll, endOfChild, keepAlive, type DemoProcess } from '../../../src/dev/demo-processes.js';
import { lives, processOf } from '../../../src/dev/own-process.js';
import { scratchDirectory } from '../../world/scratch.js';

const scratch = scratchDirectory('creel-demo-processes-');
const started: ChildProcess[] = [];
afterEach(() => {
  for (const each of started.splice(0)) each.kill('SIGKILL');
  fs.rmSync(scratch, { recursive: true, force: true });
});

/** Starts a program of a checkout that does nothing, as the demo would, and waits until it runs. */
async function start(checkout: string, program: string, ...args: string[]) {
  const file = path.join(scratch, checkout, program);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, "console.log('up'); setInterval(() => {}, 1000);");
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  await once(child.stdout, 'data');
  const found = processOf(child.pid ?? 0);
  if (!found) throw new Error(`${file} does not run`);
  return found;
}

describe('the processes of a demo', () => {
  it('are those of its home, from whichever checkout, and nobody else is ended', async () => {
    const home = homeIn(path.join(scratch, 'home'));
    const worker = 'dist/src/dev/demo-worker.js';
    const [here, elsewhere, another, other] = await Promise.all([
      start('a', worker, home.directory, '127.0.0.1:1'),
      start('b', '.builds/0123/src/dev/demo-worker.js', home.directory, '127.0.0.1:1'),
      start('a', 'dist/src/another-worker.js', home.directory),
      start('b', worker, path.join(scratch, 'other home'), '127.0.0.1:1'),
    ]);
    await endAll(home);
    expect([here, elsewhere, another, other].map(lives)).toEqual([false, false, true, true]);
  });

  /** A process that says a line and ends as it is told, and how often one was started. */
  function ending(how: string) {
    const log = path.join(scratch, 'worker.log');
    fs.mkdirSync(scratch, { recursive: true });
    fs.writeFileSync(log, 'up\n');
    let count = 0;
    const begin = async (): Promise<DemoProcess> => {
      count += 1;
      fs.appendFileSync(log, `the reason of ${count}\n`);
      const child = spawn(process.execPath, ['-e', how], { stdio: ['pipe', 'ignore', 'inherit'] });
      started.push(child);
      const end = endOfChild(child);
      const found = processOf(child.pid ?? 0);
      if (!found) throw new Error('it does not run');
      child.stdin?.end();
      return { ...found, end };
    };
    return { log, begin, count: () => count };
  }

  it('that end twice by themselves as soon as they start are not started again, and their last lines are shown', async () => {
    const { log, begin, count } = ending('process.exitCode = 3');
    const said: string[] = [];
    const kept = keepAlive(await begin(), log, begin, (line) => said.push(line), AbortSignal.timeout(60_000));
    await expect(kept).rejects.toThrow(
      /died \(exit code 3\), 2 times in a row\. .* ends:\nup\nthe reason of 1\nthe reason of 2/,
    );
    expect(count()).toBe(2);
    expect(said).toEqual([expect.stringMatching(/^process \d+ died \(exit code 3\); starting another$/)]);
  });

  it('that are killed are started again', async () => {
    const { log, begin, count } = ending("process.kill(process.pid, 'SIGKILL')");
    const over = new AbortController();
    const told = (line: string) => {
      expect(line).toContain('died (SIGKILL)');
      if (count() === 4) over.abort();
    };
    await keepAlive(await begin(), log, begin, told, over.signal);
    expect(count()).toBeGreaterThanOrEqual(4);
  });
});
