import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { SecretFile, type StoreKey } from '../../src/adapters/files/secret-file.js';
import { pidSpace, withLock } from '../../src/adapters/files/file-lock.js';
import { Refused } from '../../src/domain/errors.js';
import { Secret } from '../../src/domain/secret.js';
import { masterKey, secretStoreKey } from '../../src/domain/keys/token.js';
import type { SecretStore } from '../../src/ports/secret-store.js';
import { DirectorySecrets } from '../world/directory-secrets.js';

const root = mkdtempSync(path.join(tmpdir(), 'oc-dt-secrets-'));
afterAll(() => rmSync(root, { recursive: true }));

const storeKey = (hex: string, deployment: string): StoreKey => {
  const master = masterKey(hex.repeat(32));
  return { id: master.id, bytes: secretStoreKey(master, deployment) };
};
const [oldest, newest] = [storeKey('ab', 'deployment'), storeKey('cd', 'deployment')];
const key = () => [oldest];
const otherKey = () => [storeKey('ab', 'another')];
const both = () => [newest, oldest];
let stores = 0;
const newFile = () => path.join(root, `store-${(stores += 1)}`, 'secrets');

secretContract('a directory of secrets', () => new DirectorySecrets(newFile()));
secretContract('an encrypted file of secrets', () => SecretFile.open(newFile(), key));

function secretContract(name: string, open: () => SecretStore): void {
  describe(name, () => {
    test('is empty before anything is stored, and says how to store', async () => {
      const store = open();
      expect(await store.list()).toEqual([]);
      await expect(store.read('g42-telegram')).rejects.toThrow(
        /no secret named g42-telegram.*creel secret set g42-telegram/,
      );
      await expect(store.read('g42-telegram')).rejects.toThrow(Refused);
    });

    test('gives back what was stored last, and lists names sorted', async () => {
      const store = open();
      for (const [name, value] of [
        ['z', 'one'],
        ['a.b-c_d', 'zwei ✓'],
        ['z', ''],
      ] as const)
        await store.write(name, new Secret(value));
      expect((await store.read('z')).reveal()).toBe('');
      expect((await store.read('a.b-c_d')).reveal()).toBe('zwei ✓');
      expect(await store.list()).toEqual(['a.b-c_d', 'z']);
    });

    test('removes a value, once, and keeps the others', async () => {
      const store = open();
      expect(await store.remove('mine')).toBe(false);
      for (const name of ['mine', 'yours']) await store.write(name, new Secret(name));
      expect(await store.remove('mine')).toBe(true);
      expect(await store.remove('mine')).toBe(false);
      expect(await store.list()).toEqual(['yours']);
      await expect(store.read('mine')).rejects.toThrow(/no secret named mine/);
      expect((await store.read('yours')).reveal()).toBe('yours');
    });

    test('tells each stored value from the one before, without a word about it', async () => {
      const store = open();
      expect(await store.versionOf('mine')).toBeUndefined();
      await store.write('mine', new Secret('first'));
      const first = await store.versionOf('mine');
      expect(first).toMatch(/^[0-9a-f]{12}$/);
      await store.write('yours', new Secret('second'));
      await store.claim(new Secret('first'), 'g41/aaaaaa');
      expect(await store.versionOf('mine')).toBe(first);
      await store.write('mine', new Secret('second'));
      expect(await store.versionOf('mine')).not.toBe(first);
      expect(await store.versionOf('mine')).not.toBe(await store.versionOf('yours'));
    });

    test('keeps every one of twenty values stored at once', async () => {
      const store = open();
      const names = Array.from({ length: 20 }, (_, index) => `name-${index}`);
      await Promise.all(names.map((each) => store.write(each, new Secret(`value of ${each}`))));
      expect(await store.list()).toEqual(names.toSorted());
      for (const each of names) expect((await store.read(each)).reveal()).toBe(`value of ${each}`);
    });

    test('notes for whom a value is used, and answers that one to everybody else until it gives way', async () => {
      const store = open();
      const [bot, other] = [new Secret('bot'), new Secret('other')];
      expect(await store.claim(bot, 'g41/aaaaaa')).toBeUndefined();
      expect(await store.claim(bot, 'g41/aaaaaa')).toBeUndefined();
      expect(await store.claim(bot, 'g42/bbbbbb')).toBe('g41/aaaaaa');
      expect(await store.claim(other, 'g42/bbbbbb')).toBeUndefined();
      expect(await store.claim(bot, 'g42/bbbbbb', 'g40/cccccc')).toBe('g41/aaaaaa');
      expect(await store.claim(bot, 'g42/bbbbbb', 'g41/aaaaaa')).toBeUndefined();
      expect(await store.claim(bot, 'g41/aaaaaa')).toBe('g42/bbbbbb');
      await store.write('a', new Secret('x'));
      expect(await store.claim(bot, 'g41/aaaaaa')).toBe('g42/bbbbbb');
      const asked = Array.from({ length: 10 }, (_, index) => store.claim(new Secret('raced'), `g${index}/dddddd`));
      expect((await Promise.all(asked)).filter((each) => each === undefined)).toHaveLength(1);
    });

    test.each(['', '../up', 'UPPER', '__proto__', 'a'.repeat(64)])('refuses %j as a name', async (bad) => {
      await expect(open().write(bad, new Secret('x'))).rejects.toThrow(Refused);
    });
  });
}

describe('the file itself', () => {
  test('S4-9: holds no value and no key in the clear, is 0600 in 0700, and leaves nothing beside it', async () => {
    const file = newFile();
    await SecretFile.open(file, key).write('g42-telegram', new Secret('123456789:very-secret'));
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('g42-telegram');
    expect(text).not.toContain('very-secret');
    expect(text).not.toContain(Buffer.from('123456789:very-secret').toString('base64').slice(0, 12));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    expect(readdirSync(path.dirname(file))).toEqual(['secrets']);
  });

  test('another key, or the key of another deployment, is one clear refusal when the store is opened', async () => {
    const file = newFile();
    await SecretFile.open(file, key).write('a', new Secret('x'));
    expect(() => SecretFile.open(file, otherKey)).toThrow(Refused);
    expect(() => SecretFile.open(file, otherKey)).toThrow(/another master key/);
    expect(() => SecretFile.open(file, key)).not.toThrow();
  });

  test.each(['', '{"layout":1', '{"layout":2,"check":"","secrets":{}}', '[]'])(
    'a file that says %j is refused',
    (text) => {
      const file = newFile();
      rmSync(path.dirname(file), { recursive: true, force: true });
      const place = path.join(root, `damaged-${(stores += 1)}`);
      writeFileSync(place, text);
      expect(() => SecretFile.open(place, key)).toThrow(/damaged/);
    },
  );

  test('a value that was moved under another name, or changed in one bit, does not open', async () => {
    const file = newFile();
    const store = SecretFile.open(file, key);
    await store.write('mine', new Secret('one'));
    await store.write('yours', new Secret('two'));
    const content = JSON.parse(readFileSync(file, 'utf8'));
    const flipped = Buffer.from(content.secrets.mine, 'base64');
    flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
    const moved = { ...content, secrets: { mine: flipped.toString('base64'), yours: content.secrets.mine } };
    writeFileSync(file, JSON.stringify(moved));
    await expect(store.read('mine')).rejects.toThrow(/mine .* is damaged/);
    await expect(store.read('yours')).rejects.toThrow(/yours .* is damaged/);
  });

  test('a worker that runs sees what is stored later by another process', async () => {
    const file = newFile();
    const worker = SecretFile.open(file, key);
    await SecretFile.open(file, key).write('late', new Secret('x'));
    expect((await worker.read('late')).reveal()).toBe('x');
  });
});

describe('another master key', () => {
  const stored = async () => {
    const file = newFile();
    const store = SecretFile.open(file, key);
    await store.write('mine', new Secret('one'));
    await store.write('yours', new Secret('two'));
    return file;
  };

  test('takes every value over at once, and whoever has both keys never sees anything else', async () => {
    const file = await stored();
    const worker = SecretFile.open(file, both);
    expect((await worker.read('mine')).reveal()).toBe('one');
    expect(await SecretFile.open(file, both).rekey()).toBe(2);
    expect((await worker.read('mine')).reveal()).toBe('one');
    expect((await SecretFile.open(file, () => [newest]).read('yours')).reveal()).toBe('two');
    expect(await SecretFile.open(file, both).rekey()).toBe(0);
    expect(readdirSync(path.dirname(file))).toEqual(['secrets']);
  });

  test('alone is refused by its id, before and after', async () => {
    const file = await stored();
    expect(() => SecretFile.open(file, () => [newest])).toThrow(new RegExp(`another master key \\(${oldest.id}\\)`));
    await SecretFile.open(file, both).rekey();
    expect(() => SecretFile.open(file, key)).toThrow(new RegExp(`another master key \\(${newest.id}\\)`));
  });

  test('writes what is new into the file as it is, and a new file under the newest', async () => {
    const file = await stored();
    await SecretFile.open(file, both).write('late', new Secret('three'));
    expect((await SecretFile.open(file, key).read('late')).reveal()).toBe('three');
    const other = newFile();
    await SecretFile.open(other, both).write('first', new Secret('x'));
    expect(() => SecretFile.open(other, key)).toThrow(/another master key/);
    expect(await SecretFile.open(newFile(), both).rekey()).toBe(0);
  });

  test('a file that was written before files named their key is read and taken over', async () => {
    const file = await stored();
    const { keyId: _keyId, ...content } = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify(content));
    expect((await SecretFile.open(file, both).read('mine')).reveal()).toBe('one');
    expect(await SecretFile.open(file, both).rekey()).toBe(2);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ keyId: newest.id });
  });

  test('a damaged value stops it before anything is written, by name', async () => {
    const file = await stored();
    const content = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...content, secrets: { ...content.secrets, mine: content.secrets.yours } }));
    const before = readFileSync(file, 'utf8');
    await expect(SecretFile.open(file, both).rekey()).rejects.toThrow(/mine .* is damaged/);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  test('a holder that died in the middle left a torn draft: the file opens, and is taken over', async () => {
    const file = await stored();
    writeFileSync(`${file}.draft`, 'torn', { mode: 0o600 });
    writeFileSync(`${file}.lock`, `${await deadProcess()} of-a-dead-one`);
    expect((await SecretFile.open(file, both).read('yours')).reveal()).toBe('two');
    expect(await SecretFile.open(file, both).rekey()).toBe(2);
    expect(readdirSync(path.dirname(file))).toEqual(['secrets']);
  });
});

describe('the lock', () => {
  test('of a holder that died is passed over, and a draft it left is overwritten', async () => {
    const file = newFile();
    const store = SecretFile.open(file, key);
    await store.write('a', new Secret('x'));
    writeFileSync(`${file}.lock`, `${await deadProcess()} of-a-dead-one`);
    writeFileSync(`${file}.draft`, 'torn');
    chmodSync(`${file}.draft`, 0o600);
    await store.write('b', new Secret('y'));
    expect(await store.list()).toEqual(['a', 'b']);
    expect(readdirSync(path.dirname(file))).toEqual(['secrets']);
  });

  test('of a living holder is waited for; one over a minute old is nobody’s', async () => {
    const lock = path.join(root, `lock-${(stores += 1)}`);
    writeFileSync(lock, `${process.pid} somebody`);
    let done = false;
    const waiting = withLock(lock, () => (done = true));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(done).toBe(false);
    const longAgo = Date.now() / 1000 - 120;
    utimesSync(lock, longAgo, longAgo);
    await waiting;
    expect(existsSync(lock)).toBe(false);
  });
});

describe('the lock of another pid namespace, boot or machine', () => {
  test('is not stolen because its process id is nobody’s here: only when it is old', async () => {
    const lock = path.join(root, `lock-${(stores += 1)}`);
    writeFileSync(lock, `${await deadProcess()} somebody elsewhere/other-boot/pid:[1]`);
    let done = false;
    const waiting = withLock(lock, () => (done = true));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(done).toBe(false);
    const longAgo = Date.now() / 1000 - 120;
    utimesSync(lock, longAgo, longAgo);
    await waiting;
    expect(done).toBe(true);
  });

  test('and one of ours whose holder died is passed over at once', async () => {
    const lock = path.join(root, `lock-${(stores += 1)}`);
    writeFileSync(lock, `${await deadProcess()} somebody ${pidSpace()}`);
    await withLock(lock, () => undefined);
    expect(existsSync(lock)).toBe(false);
  });
});

/** Does `act` in a process of its own and answers what was flushed to the disk, in order: files as they were called then, and directories. */
async function flushed(act: string, directory: string): Promise<string[]> {
  const watch = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const { fsyncSync, linkSync, openSync, renameSync } = fs;
    const opened = new Map();
    fs.openSync = (file, ...rest) => {
      const fd = openSync(file, ...rest);
      opened.set(fd, file);
      return fd;
    };
    fs.fsyncSync = (fd) => (console.log('sync ' + opened.get(fd)), fsyncSync(fd));
    fs.linkSync = (from, to) => (console.log('name ' + to), linkSync(from, to));
    fs.renameSync = (from, to) => (console.log('name ' + to), renameSync(from, to));
    syncBuiltinESMExports();
    const [directory] = process.argv.slice(1);
    ${act}`;
  const built = path.resolve('dist/src');
  const script = watch.replaceAll('BUILT', built);
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, directory]);
  return stdout.trimEnd().split('\n');
}

test('a key is on the disk, its name too, before anybody is told of it', async () => {
  const directory = path.join(root, `keys-${(stores += 1)}`);
  const act = `
    const { createKey, nextKeyFile } = await import('BUILT/settings/key-file.js');
    const file = directory + '/deep/master.key';
    createKey(file);
    createKey(nextKeyFile(file));
    console.log('told');`;
  const seen = await flushed(act, directory);
  const deep = `${directory}/deep`;
  expect(seen).toContain(`sync ${directory}`);
  expect(seen.slice(-3)).toEqual([`name ${deep}/master.key.next`, `sync ${deep}`, 'told']);
  expect(seen.at(seen.indexOf(`name ${deep}/master.key`) + 1)).toBe(`sync ${deep}`);
});

/** The id of a process that has ended. */
function deadProcess(): Promise<number | undefined> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['-e', ''], () => resolve(child.pid));
  });
}
