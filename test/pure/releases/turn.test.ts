import fs from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pidSpace, withLock } from '../../../src/adapters/files/file-lock.js';
import { inTurn } from '../../../src/releases/turn.js';
import { scratchDirectory } from '../../world/scratch.js';

let root: string;
let directory: string;
beforeEach(() => {
  root = scratchDirectory('creel-turn-');
  directory = `${root}/cache/trial`;
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

test('one at a time has the directory, which is gone with it, however it ends', async () => {
  const first = inTurn(directory, async () => {
    await expect(inTurn(directory, async () => undefined)).rejects.toThrow(`process ${process.pid} tries a release`);
    return fs.readdirSync(directory);
  });
  expect(await first).toEqual(['process']);
  const failed = inTurn(directory, () => Promise.reject(new Error('it does not start')));
  await expect(failed).rejects.toThrow('it does not start');
  expect(fs.readdirSync(`${root}/cache`)).toEqual([]);
});

test('what a dead one left is let go, whether it had said who it was or not', async () => {
  const beforeTheBoot = `${process.ppid} ${pidSpace()}-of-another-boot`;
  for (const said of ['999999999', beforeTheBoot, undefined]) {
    fs.mkdirSync(directory, { recursive: true });
    fs.writeFileSync(`${directory}/secrets`, 'of the dead');
    if (said !== undefined) fs.writeFileSync(`${directory}/process`, said);
    expect(await inTurn(directory, async () => fs.readdirSync(directory))).toEqual(['process']);
  }
});

test('one that has made the directory and not said yet who it is keeps it', async () => {
  fs.mkdirSync(`${root}/cache`);
  const begun = await withLock(`${directory}.lock`, () => {
    fs.mkdirSync(directory);
    const second = inTurn(directory, async () => 'both at once');
    second.catch(() => undefined);
    fs.writeFileSync(`${directory}/process`, `${process.ppid} ${pidSpace()}`);
    return [second];
  });
  await expect(begun[0]).rejects.toThrow(`process ${process.ppid} tries a release here already`);
  expect(fs.readdirSync(directory)).toEqual(['process']);
});
