import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { DockerodeEngine } from '../../src/adapters/docker/engine.js';
import type { Marked } from '../../src/ports/docker-engine.js';
import { demoRelease } from '../../src/dev/demo-gateway.js';
import { findProcesses } from '../../src/dev/own-process.js';
import { Demo } from '../ground/demo-process.js';
import { demoHomeIn, demoStatePrefix, deploymentIn } from '../ground/demo-states.js';
import { foundSocket } from '../ground/found.js';

const engine = new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined });

/** Removes what a failed test left: containers before what they hold. */
async function sweep(left: readonly Marked[]): Promise<void> {
  for (const { name } of left.filter(({ kind }) => kind === 'container')) {
    const container = await engine.findContainer(name);
    if (container) await engine.removeContainer(container.id);
  }
  for (const { name } of left.filter(({ kind }) => kind === 'network')) {
    for (const { id } of await engine.findNetworks(name)) await engine.removeNetwork(id);
  }
  for (const { name } of left.filter(({ kind }) => kind === 'volume')) await engine.removeVolume(name);
}

describe('npm run demo', () => {
  const state = mkdtempSync(demoStatePrefix);
  const home = demoHomeIn(state);
  const demos: Demo[] = [];
  const start = (...flags: string[]) => {
    const demo = new Demo(state, flags);
    demos.push(demo);
    return demo;
  };
  const running = () =>
    findProcesses((argv) => argv.some((each) => each.includes(home))).map(({ argv }) => argv.join(' '));

  /** What the engine holds of this demo's deployment, which its worker names in its log. */
  let deployment: string | undefined;
  const made = async () => {
    deployment ??= deploymentIn(home);
    if (deployment === undefined) throw new Error('the demo has no deployment yet');
    const all = await engine.listMarked();
    return all.filter(({ labels }) => labels['creel.deployment'] === deployment);
  };
  const names = async () => (await made()).map(({ kind, name }) => `${kind} ${name}`).toSorted();

  /** Kills every demo with its server and its worker. */
  const killAll = () => {
    for (const demo of demos) demo.process.kill('SIGKILL');
    for (const { pid } of findProcesses((argv) => argv.some((each) => each.includes(home))))
      process.kill(pid, 'SIGKILL');
  };

  afterAll(async () => {
    killAll();
    deployment ??= deploymentIn(home);
    if (deployment !== undefined) await sweep(await made());
    if (deployment !== undefined && (await made()).length > 0)
      throw new Error(`the demo left ${(await names()).join(', ')}`);
    rmSync(state, { recursive: true, force: true });
  });

  test('killed in the middle it is carried on by the next one, a second one says where the first is, and Ctrl-C leaves nothing', async () => {
    const killed = start();
    await killed.says('await readiness');
    killed.process.kill('SIGKILL');
    await killed.ended();
    const begun = await names();
    expect(begun).toHaveLength(3);

    const next = start();
    await next.says('Gateway demo is ready');
    await next.says(/open it +http:\/\/127\.0\.0\.1:\d+\/#bootstrapToken=/);
    expect(await names()).toEqual(begun);
    expect(readFileSync(path.join(home, 'worker.log'), 'utf8')).toContain('the demo has no pager');

    const second = start();
    expect(await second.ended()).toBe(1);
    const { address } = JSON.parse(readFileSync(path.join(home, 'demo.json'), 'utf8'));
    expect(second.said).toContain(`process ${next.process.pid}`);
    expect(second.said).toContain(address);

    next.process.kill('SIGINT');
    expect(await next.ended()).toBe(0);
    expect(await names()).toEqual([]);
    expect(running()).toEqual([]);
    expect(existsSync(path.join(home, 'demo.json'))).toBe(false);
  }, 240_000);

  test('Ctrl-C twice keeps the gateway, the next demo takes it up, killed while it removes it the next ends that first, and --once leaves nothing running or behind', async () => {
    const first = start();
    await first.says('Gateway demo is ready');
    const kept = await names();
    first.process.kill('SIGINT');
    await first.says('Ctrl-C again');
    first.process.kill('SIGINT');
    expect(await first.ended()).toBe(0);
    expect(await names()).toEqual(kept);
    expect(running()).toEqual([]);

    const killed = start('--once');
    await killed.says('remove demo');
    killAll();
    await killed.ended();
    expect(killed.said).toContain('repair demo');
    expect(await names()).not.toEqual([]);

    const once = start('--once');
    expect(await once.ended()).toBe(0);
    expect(once.said).toMatch(/remove demo .*provision demo .*remove demo /s);
    expect(once.said).toMatch(/Gateway demo is ready\.\n +release +OpenClaw .*proved +at .*its run +http/s);
    expect(once.said).toMatch(/Gateway demo is removed: nothing of it is left\.\nEverything of the demo is stopped/);
    expect(await names()).toEqual([]);
    expect(running()).toEqual([]);
    expect(existsSync(home)).toBe(false);
  }, 360_000);
});

describe('npm run demo, while it waits for a server that does not answer', () => {
  const state = mkdtempSync(demoStatePrefix);
  const home = demoHomeIn(state);
  const running = () => findProcesses((argv) => argv.some((each) => each.includes(home))).map(({ argv }) => argv[1]);

  /** A machine whose `temporal` starts and is silent. */
  function silentMachine(): NodeJS.ProcessEnv {
    const cache = path.join(state, 'creel');
    mkdirSync(cache);
    writeFileSync(path.join(cache, 'server'), 'setInterval(() => {}, 1000);');
    const temporal = path.join(cache, 'temporal');
    writeFileSync(temporal, `#!/bin/sh\ncd ${cache} && exec ${process.execPath} "$@"\n`, { mode: 0o755 });
    const found = { temporal, docker: 'unix:///nowhere', images: { [demoRelease]: 'sha256:0' } };
    writeFileSync(path.join(cache, 'found.json'), JSON.stringify(found));
    return { XDG_CACHE_HOME: state };
  }

  let demo: Demo | undefined;
  afterAll(() => {
    demo?.process.kill('SIGKILL');
    for (const { pid } of findProcesses((argv) => argv.some((each) => each.includes(home))))
      process.kill(pid, 'SIGKILL');
    rmSync(state, { recursive: true, force: true });
  });

  test('Ctrl-C, again and again, ends it, and nothing of it runs', async () => {
    demo = new Demo(state, [], silentMachine());
    await expect.poll(running, { timeout: 20_000 }).toContain('server');
    const over = demo.ended();
    while (demo.process.exitCode === null) {
      demo.process.kill('SIGINT');
      await after(200); // Two that come together count as one: npm passes on what the terminal has sent already.
    }
    expect(await over).toBe(130);
    expect(demo.said).toContain('Stopped. The next demo goes on where this one was.');
    expect(running()).toEqual([]);
    expect(existsSync(path.join(home, 'demo.json'))).toBe(false);
  }, 40_000);
});
