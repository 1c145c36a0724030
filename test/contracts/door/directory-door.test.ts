import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { ContainerSpec } from '../../../src/domain/gateway/container.js';
import { NotYet } from '../../../src/domain/errors.js';
import { configFile, insidePort, renderConfig, stateDirectory } from '../../../src/domain/gateway/config.js';
import { Secret } from '../../../src/domain/secret.js';
import { DirectoryDoor } from '../../world/directory-door.js';
import { DirectoryGateway } from '../../world/directory-gateway.js';
import { DirectoryEngine } from '../../world/directory-engine.js';
import { doorContract, type GatewayAtHand } from './door-contract.js';

const version = '2026.9.6';
const port = 42_001;
const place = { provider: 'local', host: 'here' } as const;
const name = 'oc-dt-directory';
const lockoutMs = 600;

async function prepare(): Promise<
  GatewayAtHand & { engine: DirectoryEngine; writeConfig(text: string): Promise<void> }
> {
  const root = mkdtempSync(path.join(tmpdir(), 'oc-dt-'));
  const engine = new DirectoryEngine(root);
  engine.addImage('prepared', { id: 'sha256:prepared', labels: { 'creel.release': version } });
  await engine.createVolume({ name: `${name}-state`, labels: {} });
  await engine.createNetwork({ name, labels: {}, subnet: '10.9.8.0/28' });
  await engine.createContainer(spec());
  const token = new Secret('directory-gateway-token');
  const idOf = async () => (await engine.findContainer(name))?.id ?? 'gone';
  const writeConfig = async (content: string) =>
    engine.writeFiles(await idOf(), stateDirectory, [{ path: configFile, content, mode: 0o600, uid: 1000 }]);
  await writeConfig(configText(token));
  return {
    door: new DirectoryDoor(root),
    engine,
    at: { place, port },
    inside: { place, container: name, token },
    version,
    lockoutMs,
    writeConfig,
    start: async () => void (await engine.startContainer(await idOf())),
    recreate: async () => {
      await engine.removeContainer(await idOf());
      await engine.createContainer(spec());
      await engine.startContainer(await idOf());
    },
    stop: async () => engine.stopContainer(await idOf(), 1),
    tellSender: async (sender, said) => DirectoryGateway.within(root, name).senders.tell(sender, said),
    remove: async () => rmSync(root, { recursive: true }),
  };
}

function configText(token: Secret): string {
  const config = renderConfig({ release: version, token, port, channels: [] });
  const rateLimit = { maxAttempts: 10, windowMs: 60_000, lockoutMs };
  return JSON.stringify({
    ...config,
    gateway: { mode: 'local', auth: { mode: 'token', token: token.reveal(), rateLimit } },
  });
}

function spec(): ContainerSpec {
  return {
    name,
    hostname: name,
    imageId: 'sha256:prepared',
    labels: {},
    command: [],
    environment: {},
    memoryMb: 2048,
    cpus: 1,
    network: name,
    publish: { hostIp: '127.0.0.1', hostPort: port, port: insidePort },
    volume: { name: `${name}-state`, target: stateDirectory },
    tmpfs: {},
    restartPolicy: 'no',
    health: { command: [], intervalMs: 1, timeoutMs: 1, startPeriodMs: 1, retries: 1 },
  };
}

doorContract('the door of a directory', prepare);

test.each([
  ['is missing', ''],
  ['is torn', '{"gateway":'],
  ['has no token', '{"gateway":{"mode":"local","auth":{}}}'],
  ['has no mode', '{"gateway":{"auth":{"token":"t"}}}'],
])('a gateway whose config %s exits with 78 when it is looked at', async (_what, text) => {
  const gateway = await prepare();
  await gateway.writeConfig(text);
  await gateway.start();
  await expect(gateway.door.probeStartup(gateway.at)).rejects.toThrow(NotYet);
  expect(await gateway.engine.findContainer(name)).toMatchObject({ state: 'exited', exitCode: 78 });
  await gateway.remove();
});

test('a config that is edited by hand changes nothing until the next start', async () => {
  const gateway = await prepare();
  await gateway.start();
  const knock = (token: string) =>
    gateway.door.knock(gateway.at, { token: new Secret(token), device: undefined, scopes: [] });
  expect(await knock('directory-gateway-token')).toMatchObject({ kind: 'open' });
  await gateway.writeConfig(configText(new Secret('edited')));
  expect(await knock('edited')).toEqual({ kind: 'wrong token' });
  await gateway.stop();
  await gateway.start();
  expect(await knock('edited')).toMatchObject({ kind: 'open' });
  await gateway.remove();
});

test('an engine that is down takes its gateways with it', async () => {
  const gateway = await prepare();
  await gateway.start();
  gateway.engine.setDown(true);
  await expect(gateway.door.probeStartup(gateway.at)).rejects.toThrow(NotYet);
  gateway.engine.setDown(false);
  await gateway.door.probeStartup(gateway.at);
  await gateway.remove();
});
