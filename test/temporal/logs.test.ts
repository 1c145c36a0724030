import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../src/client/gateways.js';
import { readLog, type LogRead } from '../../src/client/read-log.js';
import { Secret } from '../../src/domain/secret.js';
import { logAsksMost } from '../../src/domain/thresholds.js';
import { defaultLimits } from '../../src/wire/limits.js';
import type { LogRequest } from '../../src/wire/log.js';
import { atLength } from '../ground/at-length.js';
import { historyTexts, holds } from '../ground/hunt.js';
import { patienceMs } from '../ground/patience.js';
import { Keyboard } from '../ground/keyboard.js';
import { DirectoryAudit } from '../world/directory-audit.js';
import { testRelease } from '../world/open-test-world.js';

const long = atLength(it);

/** `creel logs` against gateways of a directory world: what a person sees, and what is left when the reader goes. */
let keyboard: Keyboard;
let worker: ChildProcess;
beforeAll(async () => {
  keyboard = await Keyboard.open();
  worker = await keyboard.ground.startWorker();
});
afterAll(() => keyboard.close());

const botToken = `123456789:${'A'.repeat(35)}`;

async function provision(id: string, ...more: string[]): Promise<string> {
  const { exitCode, stderr } = await keyboard.creel(['provision', id, '--release', testRelease, '--dev', ...more]);
  expect(stderr + exitCode).toMatch(/0$/);
  return containerOf(id);
}

function containerOf(id: string): string {
  const found = keyboard.ground.world.engine.containers().find(({ name }) => name.startsWith(`oc-${id}-`));
  if (!found) throw new Error(`${id} has no container`);
  return found.name;
}

function say(container: string, ...lines: string[]): void {
  keyboard.ground.world.engine.say(container, lines);
}

/** `creel logs … -f` in a process of its own, line by line. */
class Follower {
  readonly process;
  readonly lines: string[] = [];
  readonly notes: string[] = [];

  constructor(args: readonly string[]) {
    this.process = execa(process.execPath, ['bin/creel.mjs', 'logs', ...args, '-f'], {
      env: keyboard.environment,
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
    });
    createInterface(this.process.stdout).on('line', (line) => this.lines.push(line));
    createInterface(this.process.stderr).on('line', (line) => this.notes.push(line));
  }

  saw(lines: readonly string[]): Promise<void> {
    return expect.poll(() => this.lines, { timeout: patienceMs, interval: 50 }).toEqual(lines);
  }

  heard(note: string): Promise<void> {
    return expect.poll(() => this.notes.join('\n'), { timeout: patienceMs, interval: 50 }).toContain(note);
  }
}

/** The readings of a gateway's log that are under way. */
async function open(id: string): Promise<string[]> {
  const client = await keyboard.stage.client();
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: `WorkflowId STARTS_WITH "logs/${id}/"` })) {
    if ((await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING') ids.push(workflowId);
  }
  return ids;
}

async function reading(id: string, asked: LogRequest, limits = defaultLimits, over = new AbortController().signal) {
  const client = await keyboard.stage.client();
  const { life } = await ask(client, id);
  if (!life) throw new Error(`${id} does not live`);
  return readLog(client, { gateway: life, who: 'test', asked }, over, limits);
}

/** Reads on until so many lines came. */
async function take(reading: AsyncGenerator<LogRead>, most: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < most) {
    const { value, done } = await reading.next();
    if (done) break;
    texts.push(...value.lines.map(({ text }) => text));
  }
  return texts;
}

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_each, index) => `line ${from + index}`);

describe('S4-43: the log of a gateway', () => {
  it('is shown from its tail on, since a time, and of one channel, as lines or as JSON', async () => {
    const container = await provision('told');
    say(container, ...numbered(0, 250));
    const shown = await keyboard.creel(['logs', 'told']);
    expect(shown).toMatchObject({ exitCode: 0, stdout: numbered(50, 250).join('\n') });
    expect((await keyboard.creel(['logs', 'told', '--tail', '2'])).stdout).toBe('line 248\nline 249');
    const json = await keyboard.creel(['logs', 'told', '--tail', '1', '--json']);
    const { at, ...line }: { at: string } = JSON.parse(json.stdout);
    expect(line).toEqual({ gateway: 'told', stream: 'stdout', text: 'line 249' });
    expect((await keyboard.creel(['logs', 'told', '--since', '1h'])).stdout.split('\n')).toHaveLength(250);
    say(
      container,
      '[telegram] started',
      '[gateway] between',
      '[gateway] restarting telegram channel',
      '    at its second line',
      ...numbered(251, 300).map((line) => `[gateway] ${line}`),
    );
    const channel = await keyboard.creel(['logs', 'told', '--channel', 'telegram', '--tail', '2']);
    expect(channel.stdout).toBe('[gateway] restarting telegram channel\n    at its second line');
    const later = await keyboard.creel(['logs', 'told', '--since', new Date(Date.parse(at) + 1).toISOString()]);
    expect(later.stdout).toMatch(/^\[telegram\] started/);
    expect((await keyboard.creel(['logs', 'told', '--since', '2099-01-01'])).stdout).toBe('');
  });

  it('is clean, holds no secret, stands in no history, and who read it is written down', async () => {
    await keyboard.ground.world.deps.secrets.write('bot', new Secret(botToken));
    const container = await provision('sealed');
    const { life } = await ask(await keyboard.stage.client(), 'sealed');
    const token = life ? keyboard.ground.world.deps.keys.token(life).reveal() : '';
    say(
      container,
      `a \u001B[31mred\u001B[0m token ${token.slice(0, 9)}\u001B[1m${token.slice(9)} end`,
      `bot ${botToken}`,
    );
    say(container, 'Authorization: Bearer abcdefghijklmnop', 'a remarkable sentence');
    const { stdout } = await keyboard.creel(['logs', 'sealed']);
    expect(stdout).toBe(
      'a red token [secret] end\nbot [masked]\nAuthorization: Bearer [masked]\na remarkable sentence',
    );
    for (const [id, text] of await historyTexts(await keyboard.stage.client()))
      for (const word of ['a remarkable sentence', token, botToken]) expect(holds(text, word), id).toBe(false);
    const written = new DirectoryAudit(keyboard.ground.root).entries().filter(({ gateway }) => gateway === 'sealed');
    expect(written).toMatchObject([{ what: 'log read', given: 'log lines', birth: life?.mark.birth }]);
  });

  it('is asked for with words that make sense, of a gateway that there is', async () => {
    await provision('gone');
    await keyboard.creel(['remove', 'gone']);
    expect(await keyboard.creel(['logs', 'gone'])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('gone does not run (removed)'),
    });
    expect((await keyboard.creel(['logs', 'nobody'])).exitCode).toBe(3);
    for (const wrong of [
      ['--tail', '10001'],
      ['--tail', '-1'],
      ['--since', 'noon'],
      ['--channel', 'pigeon'],
    ])
      expect({ wrong, exit: (await keyboard.creel(['logs', 'gone', ...wrong])).exitCode }).toEqual({ wrong, exit: 2 });
  });
});

describe('S4-43: a log that is followed', () => {
  it('goes on with what comes, through an upgrade, and ends with the gateway', async () => {
    say(await provision('moved', '--keep-state', '0'), 'before', 'at once');
    const follower = new Follower(['moved', '--tail', '1']);
    await follower.saw(['at once']);
    say(containerOf('moved'), 'later');
    await follower.saw(['at once', 'later']);
    expect((await keyboard.creel(['upgrade', 'moved', '--release', '2026.9.7', '--dev'])).exitCode).toBe(0);
    await follower.heard('moved has another container now; its log begins here');
    say(containerOf('moved'), 'new here');
    await follower.saw(['at once', 'later', 'new here']);
    expect((await keyboard.creel(['remove', 'moved'])).exitCode).toBe(0);
    expect((await follower.process).exitCode).toBe(0);
    expect(follower.notes.at(-1)).toBe('creel: moved was removed, its log ends here');
  });

  it('of a container that has stopped is read and waited for', async () => {
    const { engine } = keyboard.ground.world;
    const container = await provision('halted');
    say(container, 'last words');
    engine.crash(container);
    expect((await keyboard.creel(['logs', 'halted'])).stdout).toBe('last words');
    const follower = new Follower(['halted', '--json']);
    await follower.saw([expect.stringContaining('last words'), '{"gateway":"halted","container":"stopped"}']);
    const later = new Follower(['halted', '--json', '--since', new Date().toISOString()]);
    await later.saw(['{"gateway":"halted","container":"stopped"}']);
    const found = await engine.findContainer(container);
    await engine.startContainer(found?.id ?? '');
    await expect.poll(() => follower.lines.at(-1), { timeout: patienceMs }).toContain('"container":"started"');
    say(container, 'back again');
    await expect.poll(() => follower.lines.at(-1), { timeout: patienceMs }).toContain('back again');
    await expect.poll(() => later.lines.at(-1), { timeout: patienceMs }).toContain('back again');
    expect([follower.lines.length, later.lines.length]).toEqual([4, 3]);
    for (const each of [follower, later]) each.process.kill('SIGINT');
    expect([(await follower.process).exitCode, (await later.process).exitCode]).toEqual([130, 130]);
    await expect.poll(() => open('halted'), { timeout: patienceMs }).toEqual([]);
  });

  it('waits for an engine that is away', async () => {
    const { engine } = keyboard.ground.world;
    const container = await provision('dark');
    say(container, 'lights out');
    const follower = new Follower(['dark']);
    await follower.saw(['lights out']);
    engine.setDown(true);
    engine.crash(container);
    await follower.heard('the engine of dark does not answer; waiting for it');
    engine.setDown(false);
    await engine.startContainer((await engine.findContainer(container))?.id ?? '');
    await follower.heard('the container of dark runs again');
    say(container, 'lights on');
    await follower.saw(['lights out', 'lights on']);
    follower.process.kill('SIGINT');
    expect((await follower.process).exitCode).toBe(130);
  });

  it('of a reader that is killed ends by itself', async () => {
    say(await provision('left'), 'one');
    const reader = await reading('left', { follow: true }, { ...defaultLimits, logGoneMs: 1_000, actMs: 3_000 });
    expect(await take(reader, 1)).toEqual(['one']);
    expect(await open('left')).toHaveLength(1);
    await expect.poll(() => open('left'), { timeout: patienceMs }).toEqual([]); // Nobody asked, and nobody said goodbye.
    say(containerOf('left'), 'two', 'three');
    expect(await take(reader, 2)).toEqual(['two', 'three']); // It was only slow: a run of its own goes on where it was.
    await reader.return(undefined);
    await expect.poll(() => open('left'), { timeout: patienceMs }).toEqual([]);
  });

  long('takes as many runs as it needs, none of them long, and misses nothing', async () => {
    const container = await provision('long');
    const lines = numbered(0, 9_000).map((line) => `${line} ${'x'.repeat(250)}`);
    say(container, ...lines);
    const reader = await reading('long', { follow: false });
    expect(await take(reader, Infinity)).toEqual(lines);
    const client = await keyboard.stage.client();
    const runs: number[] = [];
    for await (const { workflowId } of client.workflow.list({ query: 'WorkflowId STARTS_WITH "logs/long/"' })) {
      const { raw } = await client.workflow.getHandle(workflowId).describe();
      runs.push(Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0));
      expect(Number(raw.workflowExecutionInfo?.historyLength)).toBeLessThan(20 * logAsksMost);
    }
    expect(runs.length).toBeGreaterThan(1);
    expect(Math.max(...runs)).toBeLessThan(10_000_000);
  });

  it('goes on with another worker when its own is killed, and gives no line twice', async () => {
    const container = await provision('carried');
    say(container, ...numbered(0, 5));
    const follower = new Follower(['carried']);
    await follower.saw(numbered(0, 5));
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    say(container, ...numbered(5, 7));
    worker = await keyboard.ground.startWorker();
    await follower.saw(numbered(0, 7));
    say(container, ...numbered(7, 9));
    await follower.saw(numbered(0, 9));
    follower.process.kill('SIGINT');
    await follower.process;
  });

  long('without a worker ends with 7, and without Temporal with 6', async () => {
    await provision('alone');
    const follower = new Follower(['alone']);
    await expect.poll(() => open('alone'), { timeout: patienceMs }).toHaveLength(1);
    await keyboard.ground.killWorkers();
    expect((await follower.process).exitCode).toBe(7);
    await keyboard.ground.server.stop();
    expect((await keyboard.creel(['logs', 'alone'])).exitCode).toBe(6);
  });
});
