import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createActivities, type Activities } from '../../src/activities/activities.js';
import { describeChannels, recordChannels } from '../../src/activities/parts/door/channels.js';
import { DockerodeEngine } from '../../src/adapters/docker/engine.js';
import type { Channel } from '../../src/domain/channels/channel.js';
import { Refused } from '../../src/domain/errors.js';
import { layout, names, type Gateway } from '../../src/domain/gateway/gateway.js';
import { KeyRing } from '../../src/domain/keys/key-ring.js';
import { masterKey } from '../../src/domain/keys/token.js';
import { Secret } from '../../src/domain/secret.js';
import { openWorld } from '../../src/open-world.js';
import { noRecords } from '../../src/releases/no-records.js';
import { readEgress } from '../../src/settings/egress.js';
import type { Deps } from '../../src/world/deps.js';
import { foundSocket } from '../ground/found.js';
import { testCatalogue } from '../ground/real-ground.js';
import { scratchDirectory } from '../world/scratch.js';
import { ChatServices, goodTokens } from './chat-services.js';

const version = '2026.9.6';
const root = scratchDirectory('creel-chat-');
const deployment = `chat${randomBytes(4).toString('hex')}`;
const engine = new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined });
const image = testCatalogue().find((line) => line.version === version)?.image ?? '';

const spec = (kind: Channel['kind'], keys: readonly string[], allowFrom: string): Channel => ({
  kind,
  secrets: Object.fromEntries(keys.map((key) => [key, `secret:${kind}-${key.toLowerCase()}`])),
  allowFrom: [allowFrom],
});
const discord = spec('discord', ['token'], '123456789012345678');
const slack = spec('slack', ['botToken', 'appToken'], 'U012AB3CD');
const whatsapp = spec('whatsapp', [], '+15551234567');

let services: ChatServices;
let deps: Deps;
let activities: Activities;
let gateway: Gateway;

beforeAll(() => {
  services = new ChatServices(root, `${deployment}-services`);
  const key = masterKey(randomBytes(32).toString('hex'));
  const world = openWorld({
    config: {
      catalogue: testCatalogue(),
      pool: { cidr: '10.226.0.0/16', prefix: 28, firstPort: 26_200 },
      egress: readEgress({ proxy: undefined, direct: undefined, authorities: services.authority }),
      engineSocket: foundSocket(),
      secretsFile: `${root}/secrets`,
      auditFile: `${root}/audit.jsonl`,
      pager: undefined,
    },
    keys: new KeyRing(key.id, () => [key]),
    deployment,
    signal: () => undefined,
    log: pino({ level: 'silent' }),
  });
  const asked = {
    findOpenOperations: async () => [],
    findEngines: async () => [],
    gatewaysOn: async () => [],
    records: noRecords,
  };
  deps = { ...world, ...asked, signal: () => undefined, temporalNow: async () => Date.now() };
  activities = createActivities(deps);
});
afterEach(async () => {
  await services.close();
  const own = names(gateway.mark);
  const container = await engine.findContainer(own.container);
  if (container) await engine.removeContainer(container.id);
  for (const { id } of await engine.findNetworks(own.network)) await engine.removeNetwork(id);
  await engine.removeVolume(own.volume);
});
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

/** A gateway of these channels up to the step that proves them; it takes the services for the real ones, where nobody answers yet. */
async function started(tokens: typeof goodTokens, channels: readonly Channel[]): Promise<Gateway> {
  const stored = {
    'discord-token': tokens.discord,
    'slack-bottoken': tokens.slackBot,
    'slack-apptoken': tokens.slackApp,
  };
  for (const [name, token] of Object.entries(stored)) await deps.secrets.write(name, new Secret(token));
  gateway = {
    mark: { deployment, gateway: `chat-${randomBytes(3).toString('hex')}`, birth: '7k3fq2', layout },
    place: { provider: 'local', host: 'local' },
    spec: { release: version, dev: true, memoryMb: 2048, cpus: 2, keepStateMs: 0, parkMs: 0, channels },
    tokenGeneration: 1,
    deviceGeneration: 1,
  };
  await act('ensureHost', 'ensureRelease', 'ensureState', 'ensureNetwork');
  await services.open(names(gateway.mark).network, image);
  await act('ensureConfig', 'ensureContainer', 'probeReadiness', 'ensureOperator');
  return gateway;
}

/** Does these steps, each until it is done or refused, as an operation would. */
async function act(...steps: readonly (keyof Activities)[]): Promise<void> {
  for (const step of steps) await patiently(activities[step] as (gateway: Gateway) => Promise<unknown>);
}

async function patiently(step: (gateway: Gateway) => Promise<unknown>): Promise<void> {
  for (let time = 1; ; time += 1) {
    try {
      return void (await step(gateway));
    } catch (error) {
      if (error instanceof Refused || time === 5) throw error;
    }
    await sleep(1_000);
  }
}

/** What creel says of one channel of the gateway. */
const said = (channel: Channel) =>
  describeChannels(deps, { ...gateway, spec: { ...gateway.spec, channels: [channel] } });
const soon = { timeout: 120_000, interval: 2_000 };

describe('S0-16: Discord, Slack and WhatsApp of a real gateway', () => {
  test('are told as not reached while nobody answers, and are connected once somebody does; a phone is linked later', async () => {
    await started(goodTokens, [discord, slack, whatsapp]);
    await expect
      .poll(() => said(discord), soon)
      .toMatch(/^channel discord is not connected: its service is not reached \(.*ECONNREFUSED/);
    await expect
      .poll(() => said(slack), soon)
      .toMatch(/^channel slack is not connected: its service is not reached \(.*ECONNREFUSED/);
    await services.listen();
    await act('probeChannels');
    const { channels, connected } = await recordChannels(deps, gateway);
    expect(channels).toMatch(/^discord, slack connected; channel whatsapp is not linked: .*docker exec -it/);
    expect(connected).toBeUndefined();
    const { container } = names(gateway.mark);
    const login = ['openclaw', 'channels', 'login', '--channel', 'whatsapp'];
    const tried = await execa('docker', ['exec', container, 'timeout', '60', ...login], { reject: false, all: true });
    expect(tried.all).toContain('WhatsApp');
    expect(tried.all).not.toMatch(/unknown (?:command|option|channel)|unsupported/i);
  });

  test('are refused by a wrong token, which is told apart', async () => {
    const wrong = {
      discord: goodTokens.discord.replace('Good', 'Evil'),
      slackBot: 'xoxb-1234567890-evil',
      slackApp: goodTokens.slackApp,
    };
    await started(wrong, [discord, slack]);
    await services.listen();
    await expect(act('probeChannels')).rejects.toThrow(/^channel discord refused its token: /);
    await expect.poll(() => said(slack), soon).toMatch(/^channel slack refused its token: .*invalid_auth/);
  });
});
