import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readAll, request } from '../../../src/adapters/docker/call.js';
import { DockerodeEngine } from '../../../src/adapters/docker/engine.js';
import { NotYet, Refused } from '../../../src/domain/errors.js';
import { foundSocket } from '../../ground/found.js';
import { EngineProxy } from '../../ground/engines/engine-proxy.js';
import { clear, left, Scene, type EngineUnderTest } from '../../ground/engines/engine-under-test.js';
import { openDocker } from '../../ground/engines/open-docker.js';

const never = () => undefined;
const plain = (error: unknown) => error instanceof Error && error.constructor === Error;

describe('an engine that is not there', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-sockets-'));
  afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

  test('no socket: not yet, naming the socket', async () => {
    const socketPath = path.join(directory, 'none.sock');
    const asked = new DockerodeEngine({ socketPath, signal: never }).findVolume('v');
    await expect(asked).rejects.toThrow(NotYet);
    await expect(asked).rejects.toThrow(`no Docker engine answers at ${socketPath} (ENOENT). Start it`);
  });

  test('a socket that a dead engine left: not yet', async () => {
    const socketPath = path.join(directory, 'left.sock');
    await listenOnce(path.join(directory, 'alive.sock'), (alive) => fs.renameSync(alive, socketPath));
    const asked = new DockerodeEngine({ socketPath, signal: never }).createVolume({ name: 'v', labels: {} });
    await expect(asked).rejects.toThrow(NotYet);
    await expect(asked).rejects.toThrow('ECONNREFUSED');
  });

  test('a socket without the right to use it: refused, saying how to get it', async () => {
    const socketPath = path.join(directory, 'locked.sock');
    fs.chmodSync(directory, 0o755);
    await listenOnce(socketPath, async () => {
      fs.chmodSync(socketPath, 0o600);
      const asked = asNobody(() => new DockerodeEngine({ socketPath, signal: never }).findVolume('v'));
      await expect(asked).rejects.toThrow(Refused);
      await expect(asked).rejects.toThrow(`no right to use the Docker socket ${socketPath} (EACCES)`);
    });
  });
});

describe('an engine that goes away', () => {
  let world: EngineUnderTest;
  let proxy: EngineProxy;
  let engine: DockerodeEngine;
  beforeAll(async () => {
    world = await openDocker();
  });
  beforeEach(async () => {
    proxy = await new EngineProxy(foundSocket()).open();
    engine = new DockerodeEngine({ socketPath: proxy.socketPath, signal: never });
  });
  afterEach(() => proxy.close());
  afterAll(async () => {
    await clear(world);
    expect(await left(world)).toEqual([]);
  });

  test('after the effect and before the answer: an error, and the effect is there for the next attempt', async () => {
    const { base: name, labels } = new Scene(world, 'lost');
    proxy.manner = 'drop answer';
    await expect(engine.createVolume({ name, labels })).rejects.toSatisfy(plain);
    await expect(engine.createVolume({ name, labels })).rejects.toThrow(/hung up during create volume/);
    expect(await world.engine.findVolume(name)).toEqual({ name, labels });
    proxy.manner = 'pass';
    await engine.createVolume({ name, labels });
  });

  test('in the middle of an answer: an error at once, not at the deadline', async () => {
    proxy.manner = { dropAfterBytes: 400 };
    const start = Date.now();
    await expect(engine.findImage(world.imageReference)).rejects.toThrow(/hung up during look for image/);
    expect(Date.now() - start).toBeLessThan(5_000);
  });

  test('in the middle of a file: an error, not half a file', async () => {
    const scene = new Scene(world, 'half');
    const { id } = await scene.container();
    const file = { path: 'large', content: 'x'.repeat(500_000), mode: 0o600, uid: 1000 };
    await world.engine.writeFiles(id, '/home/node/.openclaw', [file]);
    proxy.manner = { dropAfterBytes: 100_000 };
    await expect(engine.readFile(id, '/home/node/.openclaw/large')).rejects.toThrow(/hung up during read/);
  });

  test('in the middle of a command: an error, not what came so far', async () => {
    const { id } = await new Scene(world, 'command').running();
    const command = ['sh', '-c', 'echo begun > /tmp/begun; echo begun; sleep 20'];
    const answer = engine.exec(id, { command, input: '', timeoutMs: 30_000 });
    const fails = expect(answer).rejects.toThrow(/ended before the command did|hung up/);
    const begun = { command: ['test', '-e', '/tmp/begun'], input: '', timeoutMs: 5_000 };
    await expect.poll(async () => (await world.engine.exec(id, begun)).exitCode, { timeout: 10_000 }).toBe(0);
    proxy.dropAll();
    await fails;
  });

  test('a stream that closes without an end is an error at once', async () => {
    const stream = new PassThrough();
    const errand = { what: 'listen', limitMs: 5_000 };
    const read = readAll({ socketPath: proxy.socketPath, signal: never }, errand, stream, () => undefined);
    stream.destroy();
    await expect(read).rejects.toThrow(/hung up during listen/);
  });

  test('silent: every request ends at its deadline', async () => {
    proxy.manner = 'silent';
    const at = { socketPath: proxy.socketPath, signal: never };
    const start = Date.now();
    const asked = request(at, { what: 'greet', limitMs: 300 }, (docker) => docker.ping());
    await expect(asked).rejects.toThrow('greet took longer than 0.3 s');
    const run = engine.exec('any', { command: ['true'], input: '', timeoutMs: 300 });
    await expect(run).rejects.toThrow('took longer than 0.3 s');
    expect(Date.now() - start).toBeLessThan(5_000);
  });
});

describe('a cancellation', () => {
  let proxy: EngineProxy;
  beforeEach(async () => {
    proxy = await new EngineProxy(foundSocket()).open();
  });
  afterEach(() => proxy.close());

  test('ends a request that is out, with its own reason', async () => {
    proxy.manner = 'silent';
    const { signal, abort } = cancellation();
    const engine = new DockerodeEngine({ socketPath: proxy.socketPath, signal: () => signal });
    const asked = expect(engine.findVolume('v')).rejects.toThrow('the gateway is being removed');
    await expect.poll(() => proxy.connections).toBe(1);
    abort();
    await asked;
  });

  test('keeps every later request from being sent', async () => {
    const { signal, abort } = cancellation();
    abort();
    const engine = new DockerodeEngine({ socketPath: proxy.socketPath, signal: () => signal });
    const volume = { name: 'oc-ct-never', labels: {} };
    await expect(engine.createVolume(volume)).rejects.toThrow('the gateway is being removed');
    expect(proxy.connections).toBe(0);
  });
});

function cancellation(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error('the gateway is being removed')) };
}

async function listenOnce(socketPath: string, act: (socketPath: string) => unknown): Promise<void> {
  const server = net.createServer();
  await new Promise<void>((resolve) => {
    server.listen(socketPath, resolve);
  });
  try {
    await act(socketPath);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

/** A process of root may use any socket, so the call is made as a user who may not. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return act();
  process.seteuid?.(65_534);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
  }
}
