import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import getPort from 'get-port';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestServer } from '../ground/server.js';

type Said = { readonly code: number; readonly out: string; readonly error: string };

let server: TestServer;
let home: string;
beforeEach(async () => {
  server = await TestServer.start();
  home = mkdtempSync(path.join(tmpdir(), 'creel-init-'));
});
afterEach(async () => {
  await server.stop();
  rmSync(home, { recursive: true });
});

const keyFile = () => path.join(home, '.local/share/creel/master.key');

/** Runs the compiled command line in a home of its own. */
function creel(argv: readonly string[], input?: string): Promise<Said> {
  const env = { PATH: process.env['PATH'], HOME: home, TEMPORAL_ADDRESS: server.address };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [path.resolve('bin/creel.mjs'), ...argv], { env }, (error, out, said) =>
      resolve({ code: error ? Number(error.code) : 0, out, error: said }),
    );
    child.stdin?.end(input ?? '');
  });
}

test('init mints a deployment once, and secrets are stored where its key lies, by name and never in the open', async () => {
  const before = await creel(['secret', 'list']);
  expect(before).toMatchObject({ code: 2, out: '', error: expect.stringContaining('creel init') });

  const first = await creel(['init', '--json']);
  const made = JSON.parse(first.out);
  expect(made).toMatchObject({ made: true, namespace: 'default', keyFile: keyFile() });
  expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
  expect(JSON.parse((await creel(['init', '--json'])).out)).toEqual({ ...made, made: false });

  const value = '123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
  const set = await creel(['secret', 'set', 'g42-telegram'], `${value}\n`);
  expect(set).toMatchObject({ code: 0, out: expect.stringContaining('secret:g42-telegram') });
  expect(set.out + set.error).not.toContain(value);
  expect((await creel(['secret', 'list'])).out).toBe('g42-telegram\n');
  const file = path.join(path.dirname(keyFile()), 'secrets');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).not.toContain(value);

  expect(await creel(['secret', 'set', 'empty'], '\n')).toMatchObject({
    code: 2,
    error: expect.stringContaining('empty'),
  });
  expect(await creel(['secret', 'set', 'Bad Name'], 'x')).toMatchObject({
    code: 2,
    error: expect.stringContaining('malformed'),
  });
  expect((await creel(['secret', 'list'])).out).toBe('g42-telegram\n');

  chmodSync(keyFile(), 0o644);
  expect(await creel(['secret', 'list'])).toMatchObject({ code: 2, error: expect.stringContaining('mode 644') });
  renameSync(keyFile(), `${keyFile()}.away`);
  const lost = await creel(['init']);
  expect(lost).toMatchObject({ code: 2, error: expect.stringContaining(`master key ${made.keyId}`) });
  expect(existsSync(keyFile())).toBe(false);
});

/** Starts the compiled worker in the same home; what it writes is collected. */
function startWorker(settings: Record<string, string>): { worker: ChildProcess; said: () => string } {
  const env = { PATH: process.env['PATH'], HOME: home, TEMPORAL_ADDRESS: server.address, ...settings };
  const worker = spawn(process.execPath, [path.resolve('dist/src/worker.js')], { env });
  let text = '';
  for (const stream of [worker.stdout, worker.stderr]) stream?.on('data', (chunk) => (text += String(chunk)));
  return { worker, said: () => text };
}

test('the worker names what is wrong, works, serves its metrics, says that it has no pager, and ends by SIGTERM', async () => {
  const wrong = startWorker({ CREEL_LOG_LEVEL: 'loud', CREEL_METRICS: 'yes' });
  expect((await once(wrong.worker, 'exit'))[0]).toBe(78);
  expect(wrong.said()).toMatch(/CREEL_METRICS[^]*CREEL_LOG_LEVEL|CREEL_LOG_LEVEL[^]*CREEL_METRICS/);
  const keyless = startWorker({});
  expect((await once(keyless.worker, 'exit'))[0]).toBe(78);
  expect(keyless.said()).toContain('creel init');

  await creel(['init', '--namespace', 'default']);
  const metricsAt = `127.0.0.1:${await getPort()}`;
  const { worker, said } = startWorker({ CREEL_METRICS: metricsAt });
  try {
    await expect.poll(said, { timeout: 120_000 }).toContain('the worker is ready');
    expect(said()).toContain('no pager is configured');
    expect(said()).toMatch(/no release is on record.*creel release add/);
    const metrics = async () => (await fetch(`http://${metricsAt}/metrics`)).text();
    await expect.poll(metrics, { timeout: 60_000 }).toContain('temporal_worker_task_slots_available');
    await expect
      .poll(metrics, { timeout: 60_000 })
      .toMatch(/^creel_counted_timestamp_seconds\{namespace="default"\} \d+$/m);
    const second = startWorker({ CREEL_METRICS: metricsAt });
    expect((await once(second.worker, 'exit'))[0]).toBe(78);
    expect(second.said()).toMatch(new RegExp(`cannot be served at ${metricsAt}: .*CREEL_METRICS`));
    worker.kill('SIGTERM');
    expect(await once(worker, 'exit')).toEqual([0, null]);
    expect(said()).toContain('the worker has stopped');
  } finally {
    worker.kill('SIGKILL');
  }
});
