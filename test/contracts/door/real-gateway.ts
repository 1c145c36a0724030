import { randomBytes } from 'node:crypto';
import getPort from 'get-port';
import { z } from 'zod';
import { DockerodeEngine } from '../../../src/adapters/docker/engine.js';
import type { EngineAt } from '../../../src/adapters/docker/call.js';
import { OpenclawDoor, type DoorParts } from '../../../src/adapters/openclaw/door.js';
import { localDial } from '../../../src/adapters/hosts/local-dial.js';
import { gatewayContainer } from '../../../src/domain/gateway/container.js';
import { configFile, overlayConfig, renderConfig, stateDirectory } from '../../../src/domain/gateway/config.js';
import { layout, markLabels, names, type Gateway } from '../../../src/domain/gateway/gateway.js';
import { Secret } from '../../../src/domain/secret.js';
import { lockOutAttempts, lockOutWindowMs } from '../../../src/domain/thresholds.js';
import { foundImage, foundSocket } from '../../ground/found.js';
import type { GatewayAtHand } from './door-contract.js';

const place = { provider: 'local', host: 'here' } as const;
const lockoutMs = 3_000;

/** A gateway that had a channel may hang for minutes when it is stopped (T3); that a kill is harmless is not tested here. */
const stopGraceS = 5;

/** How the machine's own engine and its ports are reached. */
type Reach = Pick<EngineAt, 'way'> & Pick<DoorParts, 'dial'>;

/** A real gateway of a release on the machine's own engine, under names that nobody else uses: created, not started. */
export async function prepareRealGateway(
  version: string,
  { dial, ...way }: Reach = { dial: localDial },
): Promise<GatewayAtHand> {
  const engine = new DockerodeEngine({ socketPath: foundSocket(), ...way, signal: () => undefined });
  const gateway = newGateway(version);
  const own = names(gateway.mark);
  const labels = markLabels(gateway.mark);
  const port = await getPort({ host: '127.0.0.1' });
  const token = new Secret(randomBytes(32).toString('base64url'));
  const spec = gatewayContainer(gateway, foundImage(version), port);
  const idOf = async () => (await engine.findContainer(own.container))?.id ?? 'gone';
  const start = async () => {
    const started = await engine.startContainer(await idOf());
    if (started !== 'running') throw new Error(`${own.container}: ${started}`);
  };
  const removeContainer = async () => {
    await engine.stopContainer(await idOf(), stopGraceS);
    await engine.removeContainer(await idOf());
  };
  const remove = async () => {
    await removeContainer();
    for (const { id } of await engine.findNetworks(own.network)) await engine.removeNetwork(id);
    await engine.removeVolume(own.volume);
  };
  try {
    await engine.createVolume({ name: own.volume, labels });
    await createNetwork(engine, own.network, labels);
    await engine.createContainer(spec);
    const config = { path: configFile, content: configText(version, token, port), mode: 0o600, uid: 1000 };
    await engine.writeFiles(await idOf(), stateDirectory, [config]);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    door: new OpenclawDoor({ dial, engineAt: () => engine, signal: () => undefined }),
    at: { place, port },
    inside: { place, container: own.container, token },
    version,
    lockoutMs,
    start,
    recreate: async () => {
      await removeContainer();
      await engine.createContainer(spec);
      await start();
    },
    stop: async () => engine.stopContainer(await idOf(), stopGraceS),
    tellSender: async (sender, name) => {
      const command = ['node', '--input-type=module', '-e', tellScript];
      const input = JSON.stringify({
        channel: sender.channel,
        accountId: sender.account,
        id: sender.id,
        meta: { name },
      });
      const { stdout } = await engine.exec(await idOf(), { command, input, timeoutMs: 60_000 });
      return told.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).code;
    },
    remove,
  };
}

/** Does what a channel's plugin does, by the function that plugins have for it. */
const tellScript = `
import { upsertChannelPairingRequest } from '/app/dist/plugin-sdk/conversation-runtime.js';
let input = '';
for await (const chunk of process.stdin) input += chunk;
const told = await upsertChannelPairingRequest(JSON.parse(input));
process.stdout.write('\\n' + JSON.stringify(told) + '\\n', () => process.exit(0));
`;

const told = z.object({ code: z.string().min(1) });

function newGateway(version: string): Gateway {
  const random = randomBytes(4).toString('hex');
  return {
    mark: { deployment: `oc-dt-${random}`, gateway: `dt-${random}`, birth: 'door22', layout },
    place,
    spec: { release: version, dev: true, memoryMb: 2048, cpus: 2, keepStateMs: 0, parkMs: 0, channels: [] },
    tokenGeneration: 1,
    deviceGeneration: 1,
  };
}

/** A small subnet far from creel's own pool; another one when somebody has it. */
async function createNetwork(
  engine: DockerodeEngine,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const [high = 0, low = 0] = randomBytes(2);
    const subnet = `10.227.${high}.${low - (low % 16)}/28`;
    if ((await engine.createNetwork({ name, labels, subnet })) === 'created') return;
  }
  throw new Error('no free subnet in 10.227.0.0/16');
}

function configText(version: string, token: Secret, port: number): string {
  const rateLimit = { maxAttempts: lockOutAttempts, windowMs: lockOutWindowMs, lockoutMs };
  const rendered = JSON.stringify(renderConfig({ release: version, token, port, channels: [] }));
  return overlayConfig(rendered, { gateway: { auth: { rateLimit } } });
}
