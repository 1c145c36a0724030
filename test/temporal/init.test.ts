import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';
import { TestServer } from './server.js';

type Said = { readonly code: number; readonly out: string; readonly error: string };

let server: TestServer;
let home: string;
beforeAll(async () => {
  server = await TestServer.start();
}, 60_000);
afterAll(() => server.stop());
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'creel-init-'));
});
afterEach(() => rmSync(home, { recursive: true }));

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
}, 60_000);
