import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { NotYet, Refused } from '../../src/domain/errors.js';
import type { Marked } from '../../src/ports/docker-engine.js';
import { DirectoryEngine } from '../world/directory-engine.js';
import { engineContract } from './engine-contract.js';
import type { EngineUnderTest } from './engine-under-test.js';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-engine-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

async function open(): Promise<EngineUnderTest> {
  const engine = new DirectoryEngine(root);
  const imageId = `sha256:${'a'.repeat(64)}`;
  engine.addImage('creel/openclaw:2026.9.6', { id: imageId, labels: { 'creel.release': '2026.9.6' } });
  const prefix = `oc-ct-${randomBytes(3).toString('hex')}`;
  let counter = 0;
  return {
    engine,
    imageId,
    imageReference: 'creel/openclaw:2026.9.6',
    prefix,
    deployment: `contract-${randomBytes(3).toString('hex')}`,
    subnet: () => `10.198.${Math.floor(counter / 16)}.${(counter++ % 16) * 16}/28`,
    freePort: async () => 20_000 + counter++,
    occupyPort: async (port) => {
      engine.occupyPort(port, true);
      return async () => engine.occupyPort(port, false);
    },
    addNetwork: async (network) => engine.addNetwork(network) === 'created',
    inventory: async () => inventory(engine, prefix),
    forget: async (kind, name) => engine.forget(kind, name),
    crash: async (name) => engine.crash(name),
    fillMemory: async (name, megabytes) => engine.hold(name, 1 + megabytes),
    speak: async (name, lines) => engine.say(name, lines),
    askedBy: (signal) => new DirectoryEngine(root, () => signal),
    sleeper: async () => sleeper(),
    fill: async (volume) => {
      const directory = path.join(root, 'files', volume, 'many');
      fs.mkdirSync(directory, { recursive: true });
      for (let each = 0; each < 9; each += 1) fs.writeFileSync(path.join(directory, `${each}`), 'x');
    },
    holdBack: () => engine.pauseCopies(4),
    letEnd: () => engine.resumeCopies(),
  };
}

function sleeper(): Awaited<ReturnType<EngineUnderTest['sleeper']>> {
  const engine = new DirectoryEngine(root);
  let isAsleep = false;
  let wake = () => {};
  const awake = new Promise<void>((resolve) => {
    wake = resolve;
  });
  engine.beforeCopy = async () => {
    isAsleep = true;
    await awake;
  };
  return { engine, asleep: async () => isAsleep, wake, close: async () => undefined };
}

function inventory(engine: DirectoryEngine, prefix: string): Pick<Marked, 'kind' | 'name'>[] {
  const kinds = ['container', 'network', 'volume'] as const;
  return kinds.flatMap((kind) =>
    engine
      .leftovers()
      .filter((each) => each.startsWith(`${kind} ${prefix}`))
      .map((each) => ({ kind, name: each.slice(kind.length + 1) })),
  );
}

engineContract('an engine that is a directory', open);

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
