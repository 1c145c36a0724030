import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DockerodeEngine } from '../../src/adapters/docker/engine.js';
import { EngineIdentity } from '../../src/adapters/docker/identity.js';
import { Foreign, Refused } from '../../src/domain/errors.js';
import type { DockerEngine } from '../../src/ports/docker-engine.js';
import { foundSocket } from '../ground/found.js';
import { DirectoryEngine, engineIdAt } from '../world/directory-engine.js';
import { DirectoryHost } from '../world/directory-host.js';
import { ScriptedEngine } from '../ground/engines/scripted-engine.js';

const place = { provider: 'local', host: 'local' } as const;
const never = () => undefined;

/** Everything that an activity can ask of an engine, harmless where it is answered at all. */
const questions: Readonly<Record<string, (engine: DockerEngine) => Promise<unknown>>> = {
  'look for a container': (engine) => engine.findContainer('oc-none'),
  'look for a volume': (engine) => engine.findVolume('oc-none-state'),
  'look for a network': (engine) => engine.findNetworks('oc-none'),
  'list what is marked': (engine) => engine.listMarked(),
  'list what is not marked': (engine) => engine.listUnmarked(),
  'create a volume': (engine) => engine.createVolume({ name: 'oc-none-state', labels: {} }),
  'remove a volume': (engine) => engine.removeVolume('oc-none-state'),
  'remove a container': (engine) => engine.removeContainer('0123456789ab'),
  'stop a container': (engine) => engine.stopContainer('0123456789ab', 1),
  'remove a network': (engine) => engine.removeNetwork('0123456789ab'),
};

describe.each(Object.keys(questions))('on another engine than the record names, to %s', (name) => {
  const ask = questions[name] ?? (async () => undefined);

  test('is foreign in a directory world, and nothing is there afterwards', async () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-another-'));
    const { root: at } = new DirectoryHost(root);
    await expect(ask(new DirectoryEngine(at, never, { engine: 'another-engine' }))).rejects.toThrow(Foreign);
    expect(new DirectoryEngine(root).leftovers()).toEqual([]);
    fs.rmSync(root, { recursive: true });
  });

  test('is foreign on a real engine, and it hears nothing of it', async () => {
    const at = { socketPath: foundSocket(), signal: never };
    const identity = new EngineIdentity(at).of({ ...place, engine: 'another-engine' });
    const asked = ask(new DockerodeEngine({ ...at, identity }));
    await expect(asked).rejects.toMatchObject({
      name: 'Foreign',
      message: expect.stringMatching(/stands on engine another-engine.*runbook/),
    });
    expect(await new DockerodeEngine(at).findVolume('oc-none-state')).toBeUndefined();
  });
});

test('a directory engine is the one whose id its host says', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-same-'));
  const { root: at } = new DirectoryHost(root);
  expect(await new DirectoryEngine(at, never, { engine: engineIdAt(root) }).listMarked()).toEqual([]);
  fs.rmSync(root, { recursive: true });
});

describe('which engine answers at a socket', () => {
  let script: ScriptedEngine;
  let asked: string[];
  let id: unknown;

  beforeEach(async () => {
    script = await new ScriptedEngine().open();
    [asked, id] = [[], 'engine-one'];
    script.answer = (request) => {
      asked.push(request);
      if (request.endsWith('/info')) return { status: 200, body: { ID: id } };
      if (request.startsWith('GET')) return { status: 404, body: { message: 'no such volume' } };
      return { status: 201, body: {} };
    };
  });
  afterEach(() => script.close());

  function open() {
    const at = { socketPath: script.socketPath, signal: never };
    const identity = new EngineIdentity(at);
    const engine = new DockerodeEngine({ ...at, identity: identity.of({ ...place, engine: 'engine-one' }) });
    return { identity, engine };
  }

  test('is asked once for many calls that follow each other', async () => {
    const { engine } = open();
    await Promise.all([engine.findVolume('a'), engine.findVolume('b'), engine.findVolume('c')]);
    await engine.createVolume({ name: 'd', labels: {} });
    expect(asked.filter((each) => each.endsWith('/info'))).toHaveLength(1);
    expect(asked.filter((each) => each.includes('/volumes'))).toHaveLength(4);
  });

  test('is asked again after a lost connection, and what was meant for the other is not done', async () => {
    const { engine } = open();
    await engine.findVolume('a');
    script.answer = () => {
      throw new Error('gone');
    };
    const { socketPath } = script;
    await script.close();
    await expect(engine.findVolume('a')).rejects.toThrow();
    script = await new ScriptedEngine(socketPath).open();
    asked = [];
    script.answer = (request) => {
      asked.push(request);
      return request.endsWith('/info') ? { status: 200, body: { ID: 'engine-two' } } : { status: 201, body: {} };
    };
    await expect(engine.createVolume({ name: 'd', labels: {} })).rejects.toThrow(/engine-two.*engine-one/);
    expect(asked.filter((each) => each.startsWith('POST'))).toEqual([]);
  });

  test('is asked again when the socket is another file', async () => {
    const link = path.join(os.tmpdir(), `creel-link-${randomBytes(4).toString('hex')}.sock`);
    const other = await new ScriptedEngine().open();
    other.answer = (request) =>
      request.endsWith('/info') ? { status: 200, body: { ID: 'engine-two' } } : { status: 404, body: { message: '' } };
    fs.symlinkSync(script.socketPath, link);
    const at = { socketPath: link, signal: never };
    const identity = new EngineIdentity(at).of({ ...place, engine: 'engine-one' });
    const engine = new DockerodeEngine({ ...at, identity });
    expect(await engine.findVolume('a')).toBeUndefined();
    fs.rmSync(link);
    fs.symlinkSync(other.socketPath, link);
    await expect(engine.findVolume('a')).rejects.toThrow(Foreign);
    fs.rmSync(link);
    await other.close();
  });

  test.each([[undefined], [''], ['none of your business!']])('that names %j is refused', async (without) => {
    id = without;
    await expect(open().identity.id()).rejects.toThrow(Refused);
  });
});
