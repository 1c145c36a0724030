import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { DockerodeEngine } from '../../src/adapters/docker-engine.js';
import { findProcesses } from '../../src/dev/own-process.js';
import { foundSocket } from '../found.js';

/** How the deployments of tests and benchmarks begin; a real one is ten letters, and begins with `etoe` once in 450,000 times. */
const ours = /^(e2e|etoe[a-z]{6}$|contract-|oc-dt-|bench-|test-)/;

/** The workers, dev servers and browsers that tests start, by their arguments. */
const programs = [path.resolve('dist/test') + path.sep, 'creel-server-', 'playwright_chromiumdev_profile'];

const engine = new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined });

async function resources(): Promise<string[]> {
  const marked = await engine.listMarked();
  return marked
    .filter(({ labels }) => ours.test(labels['creel.deployment'] ?? ''))
    .map(({ kind, name, labels }) => `${kind} ${name} of ${labels['creel.deployment']}`);
}

function processes(): string[] {
  const found = findProcesses((argv) => argv.some((each) => programs.some((program) => each.includes(program))));
  return found.map(({ pid, argv }) => `${pid} ${argv.join(' ')}`);
}

describe('after every test', () => {
  it('the engine holds nothing of theirs', async () => {
    expect(await resources()).toEqual([]);
  });

  it('no process of theirs lives', async () => {
    await expect.poll(processes, { timeout: 10_000, interval: 200 }).toEqual([]);
  });

  it('something left would have been found', async () => {
    const name = `creel-left-${randomBytes(4).toString('hex')}`;
    const labels = { 'creel.deployment': `e2e${randomBytes(4).toString('hex')}` };
    const left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', path.resolve('dist/test/left.js')]);
    try {
      await engine.createVolume({ name, labels });
      expect(await resources()).toEqual([`volume ${name} of ${labels['creel.deployment']}`]);
      await expect.poll(processes, { timeout: 10_000 }).toEqual([expect.stringContaining(`${left.pid} `)]);
    } finally {
      await engine.removeVolume(name);
      left.kill('SIGKILL');
      await once(left, 'exit');
    }
  });
});
