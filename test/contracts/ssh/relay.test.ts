import { spawn } from 'node:child_process';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import Docker from 'dockerode';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DockerodeEngine } from '../../../src/adapters/docker/engine.js';
import { relayFor } from '../../../src/adapters/registries/relay.js';
import { RemoteHost } from '../../../src/adapters/ssh/remote-host.js';
import { Away, Refused } from '../../../src/domain/errors.js';
import { SshMachine } from '../../ground/engines/ssh-machine.js';
import { foundSocket } from '../../ground/found.js';
import { patienceMs } from '../../ground/patience.js';
import { ImageRegistry } from '../../ground/registries/image-registry.js';
import { scratchDirectory } from '../../world/scratch.js';
import { writeLogin } from '../../ground/registries/docker-login.js';
import { pushRandom } from '../../ground/registries/pushed-image.js';

const socketPath = foundSocket();
const docker = new Docker({ socketPath });
const visitor = { username: 'creel', password: 'only-the-worker-knows' };
const signal = () => undefined;

/**
 * A registry that lets in only whoever has been given a token, and gives blobs elsewhere: what large ones do. Behind it
 * is one of our own, which the engine is never given a login for.
 */
let registry: ImageRegistry;
let machine: SshMachine;
let host: RemoteHost;
let reference = '';
const before = process.env['DOCKER_CONFIG'];

beforeAll(async () => {
  registry = await ImageRegistry.open(visitor);
  machine = await new SshMachine().open();
  reference = await pushRandom(registry, visitor);
  process.env['DOCKER_CONFIG'] = writeLogin(scratchDirectory('creel-login-'), registry.repository, visitor);
});
afterAll(async () => {
  if (before === undefined) delete process.env['DOCKER_CONFIG'];
  else process.env['DOCKER_CONFIG'] = before;
  await forget();
  await machine.close();
  await registry.close();
});
beforeEach(async () => {
  host = new RemoteHost(machine.settings(socketPath), { signal });
  await forget();
});

afterEach(() => host.close());

/** The engine of that machine, which pulls through this process. */
function engine(): DockerodeEngine {
  return new DockerodeEngine({ ...host.engine, ...relayFor('worker', host) });
}

describe('an engine that pulls through its worker (S0-21)', () => {
  test('gets an image by its digest from a registry that it has no login for, and finds it by the name that it was asked by', async () => {
    const itself = new DockerodeEngine({ ...host.engine, ...relayFor(undefined, host) });
    await expect(itself.pullImage(reference, () => undefined)).rejects.toThrow(Refused);
    const said: string[] = [];
    await engine().pullImage(reference, (sentence) => said.push(sentence));
    const found = await engine().findImage(reference);
    expect(found?.labels).toEqual({ 'creel.test': 'relayed' });
    expect(await names()).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+\/openclaw@sha256:/)]);
    expect(await names()).not.toEqual([reference]);
    expect(await engine().findImage(reference.replace(/.{4}$/, '0000'))).toBeUndefined();
  });

  test('is refused what the registry refuses, and told by which name', async () => {
    const unknown = `${reference.split('@')[0]}@sha256:${'0'.repeat(64)}`;
    await expect(engine().pullImage(unknown, () => undefined)).rejects.toThrow(Refused);
    await expect(engine().pullImage(unknown, () => undefined)).rejects.toThrow(`the registry refused ${unknown}`);
  });

  test('is told to wait for a registry that nobody reaches', async () => {
    const nobody = reference.replace(/:\d+\//, ':1/');
    await expect(engine().pullImage(nobody, () => undefined)).rejects.toThrow(Away);
  });

  test('whose host lets nobody listen is refused with what its sshd needs', async () => {
    machine.rights.forwarding = false;
    const shut = new RemoteHost(machine.settings(socketPath), { signal });
    const asked = relayFor('worker', shut).relay?.(reference);
    await expect(asked).rejects.toThrow(/AllowTcpForwarding yes.*#images-through-the-worker/s);
    shut.close();
    machine.rights.forwarding = true;
  });

  test(
    'whose worker was killed in a pull has no half of an image, and pulls through the next one',
    { timeout: 3 * patienceMs },
    async () => {
      registry.holdBack();
      host.close();
      await expect.poll(() => machine.present, { timeout: patienceMs }).toBe(0);
      host = new RemoteHost(machine.settings(socketPath), { signal });
      const main = 'dist/test/ground/engines/relayed-pull-main.js';
      const worker = spawn(process.execPath, [main, JSON.stringify(machine.settings(socketPath)), reference], {
        stdio: 'ignore',
      });
      await expect.poll(() => registry.waiting, { timeout: patienceMs }).toBeGreaterThan(0);
      expect(machine.present).toBe(1);
      worker.kill('SIGKILL');
      await expect.poll(() => machine.present, { timeout: patienceMs }).toBe(0);
      expect(await names()).toEqual([]);
      registry.answerAgain();
      await engine().pullImage(reference, () => undefined);
      expect(await names()).toHaveLength(1);
    },
  );

  test('leaves no port open on its host, and the connection goes when nobody uses it', async () => {
    const relayed = await relayFor('worker', host).relay?.(reference);
    const [, port = ''] = /^127\.0\.0\.1:(\d+)\//.exec(relayed?.reference ?? '') ?? [];
    const url = `http://127.0.0.1:${port}/v2`;
    expect((await fetch(`${url}/`)).status).toBe(200);
    expect((await fetch(`${url}/another/manifests/latest`)).status).toBe(404);
    expect((await fetch(`${url}/openclaw/blobs/uploads/`, { method: 'POST' })).status).toBe(404);
    relayed?.close();
    const look = () => fetch(`${url}/`, { signal: AbortSignal.timeout(500) });
    await expect
      .poll(
        () =>
          look()
            .then(() => 'open')
            .catch(whyShut),
        { timeout: patienceMs },
      )
      .toBe('ECONNREFUSED');
  });
});

describe('a registry that gives tokens and leads elsewhere', () => {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? 'nobody'}`);
    if (request.url?.startsWith('/token')) return void response.end(JSON.stringify({ token: 'given' }));
    if (request.url?.startsWith('/elsewhere')) return void response.end('layer');
    if (request.headers.authorization !== 'Bearer given') {
      const realm = `Bearer realm="http://localhost:${port}/token",service="images",scope="repository:own/openclaw:pull"`;
      return void response.writeHead(401, { 'www-authenticate': realm }).end();
    }
    response.writeHead(307, { location: `http://localhost:${port}/elsewhere` }).end();
  });
  beforeAll(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => void server.close());

  test('is asked for one with the login of the worker, and nobody elsewhere sees it', async () => {
    const { port } = server.address() as AddressInfo;
    const there = `127.0.0.1:${port}`;
    process.env['DOCKER_CONFIG'] = writeLogin(scratchDirectory('creel-login-'), there, visitor);
    const relayed = await relayFor('worker', host).relay?.(`${there}/own/openclaw@sha256:${'a'.repeat(64)}`);
    const [at = ''] = relayed?.reference.split('/own/') ?? [];
    const blob = await fetch(`http://${at}/v2/own/openclaw/blobs/sha256:${'b'.repeat(64)}`);
    expect(await blob.text()).toBe('layer');
    relayed?.close();
    const login = `Basic ${Buffer.from(`${visitor.username}:${visitor.password}`).toString('base64')}`;
    expect(asked.find((each) => each.includes('/token'))).toBe(
      `GET /token?service=images&scope=repository%3Aown%2Fopenclaw%3Apull ${login}`,
    );
    expect(asked.at(-1)).toBe('GET /elsewhere nobody');
  });
});

/** With which code a connection was refused. */
function whyShut(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? cause.code : error;
}

/** The names by which the engine holds the image, whichever they are. */
async function names(): Promise<string[]> {
  const [, wanted = ''] = reference.split('@');
  const all = await docker.listImages({ digests: true });
  return all.flatMap(({ RepoDigests }) => RepoDigests ?? []).filter((name) => name.endsWith(wanted));
}

async function forget(): Promise<void> {
  for (const name of await names()) await docker.getImage(name).remove({ force: true });
}
