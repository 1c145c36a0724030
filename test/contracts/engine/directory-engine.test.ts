import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { NotYet, Refused } from '../../../src/domain/errors.js';
import { DirectoryEngine } from '../../world/directory-engine.js';
import { directoryEngineUnderTest } from './directory-engine-under-test.js';
import { engineContract } from './engine-contract.js';
import { fullContract } from './full-contract.js';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-engine-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

engineContract('an engine that is a directory', async () => directoryEngineUnderTest(root));

describe('an engine that is a directory', () => {
  const under = directoryEngineUnderTest(path.join(root, 'filled'));
  const hand = new DirectoryEngine(path.join(root, 'filled'));
  fullContract(
    () => under,
    (act) => hand.whileFull(act),
  );
});

test('what one process made another sees, and leftovers names it', async () => {
  const own = path.join(root, 'own');
  await new DirectoryEngine(own).createVolume({ name: 'v', labels: {} });
  expect(new DirectoryEngine(own).leftovers()).toEqual(['volume v']);
});

test('a file has the mode it was given', async () => {
  const engine = new DirectoryEngine(path.join(root, 'modes'));
  engine.addImage('image', { id: 'sha256:1', labels: {} });
  await engine.createVolume({ name: 'v', labels: {} });
  await engine.createWriter({ name: 'w', labels: {}, imageId: 'sha256:1', volume: 'v', target: '/state' });
  const writer = await engine.findContainer('w');
  await engine.writeFiles(writer?.id ?? '', '/state', [{ path: 'script', content: '', mode: 0o640, uid: 1000 }]);
  expect(fs.statSync(path.join(root, 'modes/files/v/script')).mode & 0o777).toBe(0o640);
});

test('a pull takes what the registry offers and is refused what it does not', async () => {
  const engine = new DirectoryEngine(path.join(root, 'pull'));
  const reference = `registry/openclaw@sha256:${'b'.repeat(64)}`;
  await expect(engine.pullImage(reference, () => undefined)).rejects.toThrow(Refused);
  engine.offerImage(reference, { id: 'sha256:2', labels: {} });
  await engine.pullImage(reference, () => undefined);
  expect((await engine.findImage(reference))?.id).toBe('sha256:2');
});

test('an engine that is down answers nothing yet, and has lost nothing when it is back', async () => {
  const engine = new DirectoryEngine(path.join(root, 'down'));
  await engine.createVolume({ name: 'v', labels: {} });
  engine.setDown(true);
  await expect(engine.findVolume('v')).rejects.toThrow(NotYet);
  await expect(engine.createVolume({ name: 'w', labels: {} })).rejects.toThrow(NotYet);
  engine.setDown(false);
  expect(engine.leftovers()).toEqual(['volume v']);
});
