import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openSecrets } from '../../../src/open-world.js';
import { Secret } from '../../../src/domain/secret.js';
import { copyOfOneMoment, readBackup } from '../../../src/settings/key-backup.js';
import { keyFiles } from '../../../src/settings/config.js';
import { createKey, nextKeyFile, openKeys } from '../../../src/settings/key-file.js';
import { main } from '../../../src/starter.js';
import { scratchDirectory } from '../../world/scratch.js';
import { refusal } from '../refusal.js';

let root: string;
let keyFile: string;
let secretsFile: string;
beforeEach(() => {
  root = scratchDirectory('creel-backup-');
  keyFile = path.join(root, 'keys', 'master.key');
  secretsFile = path.join(root, 'keys', 'secrets');
  createKey(keyFile);
  vi.stubEnv('CREEL_KEY_FILE', keyFile);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
  fs.rmSync(root, { recursive: true });
});

const store = () => openSecrets({ secretsFile }, () => openKeys(keyFile), 'abcdefghij');

/** What a person types, and how it ended. */
async function creel(...argv: string[]): Promise<{ said: string; exit: unknown }> {
  const spies = [process.stdout, process.stderr].map((each) => vi.spyOn(each, 'write').mockReturnValue(true));
  vi.spyOn(process.stdout, 'once').mockReturnThis();
  await main(argv);
  const said = spies.flatMap(({ mock }) => mock.calls.map(([chunk]) => String(chunk))).join('');
  vi.restoreAllMocks();
  return { said, exit: process.exitCode };
}

test('copies every key and secret, for its owner alone, and is known until one of them is another', async () => {
  expect(readBackup({ secretsFile })).toBeUndefined();
  await store().write('g42-telegram', new Secret('123:abc'));
  createKey(nextKeyFile(keyFile));
  fs.writeFileSync(`${keyFile}.txt`, 'none of ours');
  const into = path.join(root, 'elsewhere');
  const { said, exit } = await creel('key', 'backup', into);
  expect({ said, exit }).toMatchObject({ said: expect.stringContaining('lie in'), exit: undefined });
  const [made = ''] = fs.readdirSync(into);
  const copies = fs.readdirSync(path.join(into, made));
  expect(copies.toSorted()).toEqual(['master.key', 'master.key.next', 'secrets']);
  for (const name of copies) {
    const at = path.join(into, made, name);
    expect(fs.readFileSync(at)).toEqual(fs.readFileSync(path.join(root, 'keys', name)));
    expect(fs.statSync(at).mode & 0o777).toBe(0o600);
  }
  expect(fs.statSync(path.join(into, made)).mode & 0o777).toBe(0o700);
  expect(said).not.toContain(fs.readFileSync(keyFile, 'utf8').trim());
  const noted = readBackup({ secretsFile });
  expect(noted).toMatchObject({ keyIds: openKeys(keyFile).map(({ id }) => id), secretsChanged: false });

  await store().write('g42-telegram', new Secret('123:other'));
  expect(readBackup({ secretsFile })).toMatchObject({ secretsChanged: true });
  expect(await creel('key', 'backup', '--noted')).toMatchObject({ exit: undefined });
  expect(readBackup({ secretsFile })).toMatchObject({ secretsChanged: false });
});

test('a key backup that cannot be made notes nothing, and says why', async () => {
  const file = path.join(root, 'a-file');
  fs.writeFileSync(file, '');
  expect(await creel('key', 'backup', path.join(file, 'below'))).toMatchObject({
    exit: 2,
    said: expect.stringContaining('nothing was noted as backed up'),
  });
  expect(await creel('key', 'backup')).toMatchObject({ exit: 2, said: expect.stringContaining('say where') });
  expect(await creel('key', 'backup', root, '--noted')).toMatchObject({ exit: 2 });
  expect(readBackup({ secretsFile })).toBeUndefined();
  fs.writeFileSync(path.join(root, 'keys', 'backup.json'), '{"at": "yesterday"}');
  expect(readBackup({ secretsFile })).toBeUndefined();
});

test('a key backup is of one moment: secrets that were encrypted anew meanwhile are never copied without their key', () => {
  const into = path.join(root, 'copy');
  fs.mkdirSync(into);
  fs.writeFileSync(secretsFile, 'by the first key');
  const rotations = [
    () => createKey(nextKeyFile(keyFile)),
    () => fs.writeFileSync(secretsFile, 'by the next key'),
    () => undefined,
  ];
  const files = (changing: () => unknown) => () => {
    const found = [keyFile, nextKeyFile(keyFile), secretsFile].filter((each) => fs.existsSync(each));
    changing();
    return found;
  };
  copyOfOneMoment(
    files(() => rotations.shift()?.()),
    into,
  );
  expect(fs.readdirSync(into).toSorted()).toEqual(['master.key', 'master.key.next', 'secrets']);
  expect(fs.readFileSync(path.join(into, 'secrets'), 'utf8')).toBe('by the next key');
  fs.rmSync(into, { recursive: true });
  fs.mkdirSync(into);
  let count = 0;
  const never = files(() => fs.writeFileSync(secretsFile, `${(count += 1)}`));
  expect(refusal(() => copyOfOneMoment(never, into))).toContain('are being changed. Give the command again');
  expect(fs.readdirSync(into)).toEqual([]);
});

test('a key backup that failed in its middle leaves nothing that looks like one', async () => {
  const into = path.join(root, 'elsewhere');
  fs.mkdirSync(secretsFile);
  expect(await creel('key', 'backup', into)).toMatchObject({ exit: 2, said: expect.stringContaining('EISDIR') });
  expect(fs.readdirSync(into)).toEqual([]);
  expect(readBackup({ secretsFile })).toBeUndefined();
});

test('a key backup is restored on another machine by the command of docs/runbook.md#other-key', async () => {
  await store().write('g42-telegram', new Secret('123:abc'));
  await creel('key', 'backup', path.join(root, 'elsewhere'));
  const [made = ''] = fs.readdirSync(path.join(root, 'elsewhere'));
  const [command = ''] = /install -m 0600 -Dt \S+ BACKUP\/\*/.exec(fs.readFileSync('docs/runbook.md', 'utf8')) ?? [];
  const home = path.join(root, 'home');
  const typed = command.replace('BACKUP', path.join(root, 'elsewhere', made));
  execFileSync('bash', ['-c', typed], { env: { ...process.env, HOME: home } });
  const { keyFile: key, secretsFile: secrets } = keyFiles({ HOME: home });
  const restored = openSecrets({ secretsFile: secrets }, () => openKeys(key), 'abcdefghij');
  expect((await restored.read('g42-telegram')).reveal()).toBe('123:abc');
  expect(openKeys(key)).toEqual(openKeys(keyFile));
});
