import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import getPort from 'get-port';
import { describe, expect, test } from 'vitest';
import { localDial } from '../../src/adapters/local-dial.js';
import { DockerodeEngine } from '../../src/adapters/docker-engine.js';
import { doorLimits } from '../../src/adapters/door-limits.js';
import { OpenclawDoor } from '../../src/adapters/gateway-door.js';
import { gatewayContainer } from '../../src/domain/container.js';
import { NotYet } from '../../src/domain/errors.js';
import { configFile, renderConfig, stateDirectory } from '../../src/domain/gateway-config.js';
import { markLabels, names, type Gateway } from '../../src/domain/gateway.js';
import { Secret } from '../../src/domain/secret.js';
import { lockOutAttempts, lockOutWindowMs } from '../../src/domain/thresholds.js';
import { doorContract, type GatewayAtHand } from './door-contract.js';

const version = '2026.9.6';
const place = { provider: 'local', host: 'here' } as const;
const lockoutMs = 3_000;
const engine = new DockerodeEngine({ socketPath: '/var/run/docker.sock', signal: () => undefined });

doorContract('the door of a real gateway', prepare);

async function prepare(): Promise<GatewayAtHand> {
  const image = await engine.findImage(`creel/openclaw:${version}`);
  if (!image) throw new Error(`no image creel/openclaw:${version} on the engine: run scripts/bootstrap`);
  const gateway = await newGateway();
  const own = names(gateway.mark);
  const labels = markLabels(gateway.mark);
  const port = await getPort();
  const token = new Secret(randomBytes(32).toString('base64url'));
  const start = async () => {
    const container = await engine.findContainer(own.container);
    expect(await engine.startContainer(container?.id ?? 'gone')).toBe('running');
  };
  const removeContainer = async () => {
    const container = await engine.findContainer(own.container);
    if (!container) return;
    await engine.stopContainer(container.id, 30);
    await engine.removeContainer(container.id);
  };
  const remove = async () => {
    await removeContainer();
    for (const { id } of await engine.findNetworks(own.network)) await engine.removeNetwork(id);
    await engine.removeVolume(own.volume);
  };
  const spec = gatewayContainer(gateway, image.id, port);
  try {
    await engine.createVolume({ name: own.volume, labels });
    await createNetwork(own.network, labels);
    await engine.createContainer(spec);
    const container = await engine.findContainer(own.container);
    const file = { path: configFile, content: configText(token, port), mode: 0o600, uid: 1000 };
    await engine.writeFiles(container?.id ?? 'gone', stateDirectory, [file]);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    door: new OpenclawDoor({ dial: localDial, engineAt: () => engine, signal: () => undefined }),
    at: { place, port },
    inside: { place, container: own.container, token },
    version,
    lockoutMs,
    start,
    recreate: async () => {
      await removeContainer();
      expect(await engine.createContainer(spec)).toBe('created');
      await start();
    },
    stop: async () => engine.stopContainer((await engine.findContainer(own.container))?.id ?? 'gone', 30),
    remove,
  };
}

async function newGateway(): Promise<Gateway> {
  const random = randomBytes(4).toString('hex');
  return {
    mark: { deployment: `oc-dt-${random}`, gateway: `dt-${random}`, birth: 'door22', layout: 1 },
    place,
    spec: { release: version, dev: true, memoryMb: 2048, cpus: 2, keepStateMs: 0, parkMs: 0, channels: [] },
    tokenGeneration: 1,
    deviceGeneration: 1,
  };
}

/** A small subnet far from creel's own pool; another one when somebody has it. */
async function createNetwork(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const [high = 0, low = 0] = randomBytes(2);
    const subnet = `10.227.${high}.${low - (low % 16)}/28`;
    if ((await engine.createNetwork({ name, labels, subnet })) === 'created') return;
  }
  throw new Error('no free subnet in 10.227.0.0/16');
}

function configText(token: Secret, port: number): string {
  const config = renderConfig({ token, port, channels: [] });
  const rateLimit = { maxAttempts: lockOutAttempts, windowMs: lockOutWindowMs, lockoutMs };
  const auth = { mode: 'token', token: token.reveal(), rateLimit };
  return JSON.stringify({ ...config, gateway: { ...(config['gateway'] as object), auth } });
}

describe('peers that are no gateway', () => {
  const quick = { ...doorLimits, connectMs: 300, answerMs: 300, callMs: 300 };
  const as = { token: new Secret('t'), device: undefined, scopes: [] };
  const doorWith = (signal?: AbortSignal) =>
    new OpenclawDoor({ dial: localDial, engineAt: () => engine, signal: () => signal }, quick);

  test('a port where nothing listens is not yet', async () => {
    const at = { place, port: await getPort() };
    await expect(doorWith().probeStartup(at)).rejects.toThrow(NotYet);
    await expect(doorWith().knock(at, as)).rejects.toThrow(NotYet);
  });

  test('a server that accepts and says nothing is not yet within the limit', async () => {
    await withServer(() => {}, async (port) => {
      const began = Date.now();
      await expect(doorWith().probeStartup({ place, port })).rejects.toThrow(NotYet);
      await expect(doorWith().knock({ place, port }, as)).rejects.toThrow(NotYet);
      expect(Date.now() - began).toBeLessThan(2_000);
    });
  });

  test('a server that accepts and resets is not yet, as Docker does before the gateway listens (T6)', async () => {
    await withServer((socket) => socket.resetAndDestroy(), async (port) => {
      await expect(doorWith().probeStartup({ place, port })).rejects.toThrow(NotYet);
      await expect(doorWith().knock({ place, port }, as)).rejects.toThrow(NotYet);
    });
  });

  test('a cancelled activity ends the wait at once, with its own reason', async () => {
    await withServer(() => {}, async (port) => {
      const slow = { ...doorLimits, connectMs: 60_000 };
      const asked = new AbortController();
      const door = new OpenclawDoor({ dial: localDial, engineAt: () => engine, signal: () => asked.signal }, slow);
      const reason = new Error('the activity was cancelled');
      const waits = [door.probeStartup({ place, port }), door.knock({ place, port }, as)];
      setTimeout(() => asked.abort(reason), 50);
      for (const each of await Promise.allSettled(waits)) expect(each).toMatchObject({ status: 'rejected', reason });
    });
  });
});

async function withServer(serve: (socket: Socket) => void, use: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  try {
    await use(typeof address === 'object' && address ? address.port : 0);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
