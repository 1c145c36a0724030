import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DockerodeEngine } from '../../src/adapters/docker/engine.js';
import { renderChannels } from '../../src/domain/channels/config.js';
import { tokensFile, tokensText } from '../../src/domain/channels/tokens.js';
import { NotYet } from '../../src/domain/errors.js';
import { configFile, overlayConfig, stateDirectory } from '../../src/domain/gateway/config.js';
import { cleared } from '../../src/domain/gateway/written-config.js';
import { Secret } from '../../src/domain/secret.js';
import { BotApi } from '../e2e/outside/bot-api.js';
import { brief } from '../ground/at-length.js';
import { foundSocket } from '../ground/found.js';
import { patienceMs } from '../ground/patience.js';
import type { GatewayAtHand } from './door/door-contract.js';
import { prepareRealGateway } from './door/real-gateway.js';

const root = path.join(import.meta.dirname, '..', '..');
const tokenOf = (letter: string) => `123456789:${letter.repeat(35)}`;
const telegram = { kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['1'] } as const;
const networks = z.record(z.string(), z.object({ Gateway: z.string() }));

/** Both releases read a channel's token from a file of the state, as creel's config refers to it. */
const releases = brief ? ['2026.9.6'] : ['2026.9.6', '2026.6.11'];
describe.each(releases)('the tokens of channels of a real gateway, release %s (S1-30)', (version) => {
  const engine = new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined });
  let gateway: GatewayAtHand;
  let api: BotApi;
  const container = async () => {
    const found = await engine.findContainer(gateway.inside.container);
    if (!found) throw new Error('the gateway has no container');
    return found;
  };
  const write = async (file: string, content: string) =>
    engine.writeFiles((await container()).id, stateDirectory, [{ path: file, content, mode: 0o600, uid: 1000 }]);
  const give = async (letter: string) => {
    const secrets = { botToken: new Secret(tokenOf(letter)) };
    await write(tokensFile, tokensText([{ channel: telegram, secrets }]));
  };
  const call = async (method: string, params: unknown = {}) => {
    const knock = await gateway.door.callInside(gateway.inside, [{ method, params }]);
    return knock.kind === 'open' ? knock.answers[0] : knock.kind;
  };
  const inside = async (...command: string[]) =>
    (await execa('docker', ['exec', gateway.inside.container, ...command])).stdout;
  const isStarted = () =>
    gateway.door.probeStartup(gateway.at).then(
      () => true,
      (error: unknown) => {
        if (error instanceof NotYet) return false;
        throw error;
      },
    );

  beforeAll(async () => {
    await execa(path.join(root, 'scripts', 'bootstrap'), ['--release', version], { stdio: 'inherit' });
    gateway = await prepareRealGateway(version);
    api = await new BotApi().open();
    const { id, name } = await container();
    const { stdout } = await execa('docker', ['inspect', name, '--format', '{{json .NetworkSettings.Networks}}']);
    const [network = ''] = Object.keys(networks.parse(JSON.parse(stdout)));
    const subnet = (await engine.findNetworks(network))[0]?.subnets[0];
    const text = await engine.readFile(id, `${stateDirectory}/${configFile}`);
    const second = { enabled: false, botToken: `987654321:${'S'.repeat(35)}` };
    const lived = { channels: { telegram: { apiRoot: api.rootFrom(subnet), accounts: { second } } } };
    const nothing = { channels: [], origins: [], models: [], config: [] };
    const bare = cleared(overlayConfig(text, lived), nothing, { ...nothing, channels: [telegram] });
    await write(configFile, overlayConfig(bare, renderChannels([telegram], stateDirectory)));
    await give('A');
    await gateway.start();
  }, 900_000);
  afterAll(async () => {
    await api?.close();
    await gateway?.remove();
  });

  test('are read from a file of the gateway’s user, and stand nowhere else', async () => {
    await expect.poll(isStarted, { timeout: patienceMs, interval: 500 }).toBe(true);
    await expect.poll(() => api.tokens, { timeout: patienceMs }).toContain(tokenOf('A'));
    expect(await inside('sh', '-c', `cd ${stateDirectory} && grep -rlF '${tokenOf('A')}' .`)).toBe(`./${tokensFile}`);
    const inspected = await execa('docker', ['inspect', gateway.inside.container]);
    const environment = await inside('cat', '/proc/1/environ');
    for (const told of [inspected.stdout, environment]) expect(told).not.toContain(tokenOf('A'));
    expect(await inside('stat', '-c', '%a %u', `${stateDirectory}/${tokensFile}`)).toBe('600 1000');
  });

  test('are taken up by a reload, in the same process, and only then', async () => {
    const { startedAt } = await container();
    await give('B');
    expect(api.tokens).not.toContain(tokenOf('B'));
    expect(await call('secrets.reload')).toMatchObject({ ok: true });
    await expect.poll(() => api.tokens.at(-1), { timeout: patienceMs }).toBe(tokenOf('B'));
    expect((await container()).startedAt).toBe(startedAt);
    const said = await engine.lastLog((await container()).id, 500);
    expect(said.match(/restarting \w+ channel after secrets reload/g)).toEqual([
      'restarting telegram channel after secrets reload',
    ]);
  });

  const missing = async () => {
    await write(tokensFile, '{}\n');
    await gateway.stop();
    await gateway.start();
  };
  const isUsed = () => expect.poll(() => api.tokens, { timeout: patienceMs }).toContain(tokenOf('C'));

  if (version === '2026.9.6')
    test('that are missing keep no gateway from starting, and are taken up when they are there', async () => {
      await missing();
      await expect.poll(isStarted, { timeout: patienceMs, interval: 500 }).toBe(true);
      await give('C');
      await expect.poll(() => call('secrets.reload'), { timeout: patienceMs }).toMatchObject({ ok: true });
      await isUsed();
    });
  else
    test('that are missing keep the older release from starting: they are written before a start', async () => {
      await missing();
      await expect.poll(async () => (await container()).state, { timeout: patienceMs }).toBe('exited');
      await give('C');
      await gateway.start();
      await isUsed();
    });
});
