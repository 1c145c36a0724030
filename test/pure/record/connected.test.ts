import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import { describeChannels, probeChannels, recordChannels } from '../../../src/activities/parts/door/channels.js';
import type { Channel } from '../../../src/domain/channels/channel.js';
import { Refused } from '../../../src/domain/errors.js';
import { names, type Gateway } from '../../../src/domain/gateway/gateway.js';
import { Secret } from '../../../src/domain/secret.js';
import { describeState } from '../../../src/workflows/record/describe.js';
import { newLife } from '../../../src/workflows/record/life.js';
import { emptyState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { DirectoryGateway } from '../../world/directory-gateway.js';
import { openTestWorld, testDeployment, type TestWorld } from '../../world/open-test-world.js';
import { noRecords } from '../../../src/releases/no-records.js';

const telegram: Channel = { kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['42'] };
const bot = (letters: string) => new Secret(`123456789:${letters.padEnd(35, 'A')}`);

let world: TestWorld;
beforeEach(() => {
  world = openTestWorld();
});
afterEach(() => world.close());

function withTelegram(id: string, reference = 'secret:bot'): Gateway {
  const gateway = world.gateway(id);
  const channel = { ...telegram, secrets: { botToken: reference } };
  return { ...gateway, spec: { ...gateway.spec, channels: [channel] } };
}

async function served(token: Secret): Promise<Gateway> {
  await world.deps.secrets.write('bot', token);
  const g42 = withTelegram('g42');
  const { activities } = world;
  for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer', 'probeReadiness'] as const)
    await activities[step](g42);
  await activities.ensureOperator(g42);
  return g42;
}

describe('a channel is connected', () => {
  test('when the probe of its token and its lifecycle say so (S0-16, S4-35)', async () => {
    const g42 = await served(bot('GOOD'));
    await world.activities.probeChannels(g42);
    expect(await describeChannels(world.deps, g42)).toBe('telegram connected');
  });

  test('not while it stands still, however good its token is: a look says so, and a repair starts it', async () => {
    const g42 = await served(bot('GOOD'));
    DirectoryGateway.within(world.root, names(g42.mark).container).suppressChannels();
    expect(await describeChannels(world.deps, g42)).toBe(
      'channel telegram is not connected: its token is good and it is stopped: gateway restart-loop breaker tripped: 4 unclean boot(s). `creel provision g42` starts it',
    );
    await world.activities.probeChannels(g42);
    expect(await describeChannels(world.deps, g42)).toBe('telegram connected');
  });

  test('not while another program polls with its token, which is said', async () => {
    const g42 = await served(bot('CONFLICT'));
    expect(await describeChannels(world.deps, g42)).toContain('another program polls with the same bot token (409');
  });

  test('not while its service is not reached, which is told apart from a wrong token (S0-16)', async () => {
    const g42 = await served(bot('UNREACHED'));
    expect(await describeChannels(world.deps, g42)).toBe(
      'channel telegram is not connected: its service is not reached (fetch failed | getaddrinfo ENOTFOUND api.telegram.org | ENOTFOUND)',
    );
  });

  test('never with a token that is refused, which is said at once', async () => {
    const g42 = await served(bot('REFUSED'));
    await expect(world.activities.probeChannels(g42)).rejects.toThrow(
      'channel telegram refused its token: Unauthorized',
    );
  });

  test('and yet hears nobody whom an older spec names by a handle, which the record says', async () => {
    const g42 = await served(bot('GOOD'));
    const spec = { ...g42.spec, channels: [{ ...telegram, allowFrom: ['@customer'] }] };
    expect(await describeChannels(world.deps, { ...g42, spec })).toMatch(
      /^telegram connected; .*"@customer" is not a numeric/,
    );
  });
});

describe('a channel to which a phone is linked', () => {
  const whatsapp: Channel = { kind: 'whatsapp', secrets: {}, allowFrom: ['+15550001234'] };
  const gatewayOf = (g42: Gateway) => DirectoryGateway.within(world.root, names(g42.mark).container);
  const withBoth = async (): Promise<Gateway> => {
    await world.deps.secrets.write('bot', bot('GOOD'));
    const g42 = withTelegram('g42');
    const both = { ...g42, spec: { ...g42.spec, channels: [...g42.spec.channels, whatsapp] } };
    for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer', 'probeReadiness'] as const)
      await world.activities[step](both);
    await world.activities.ensureOperator(both);
    return both;
  };

  test('keeps no gateway from being ready: what its owner is to do is said, until it is done (S0-16)', async () => {
    const g42 = await withBoth();
    await world.activities.probeChannels(g42);
    const { channels, connected } = await recordChannels(world.deps, g42);
    expect(connected).toBeUndefined();
    expect(channels).toBe(
      `telegram connected; channel whatsapp is not linked: its owner scans a code with the phone (\`creel open g42\`, and there under Channels, or \`docker exec -it ${names(g42.mark).container} openclaw channels login --channel whatsapp\`)`,
    );
    gatewayOf(g42).linkPhone();
    await world.activities.probeChannels(g42);
    expect(await recordChannels(world.deps, g42)).toEqual({
      channels: 'telegram, whatsapp connected',
      connected: true,
    });
  });

  test('that was linked must be linked still, where a change asks for it', async () => {
    const g42 = await withBoth();
    gatewayOf(g42).linkPhone();
    await probeChannels(world.deps, g42, ['whatsapp']);
    gatewayOf(g42).linkPhone(false);
    await expect(probeChannels(world.deps, g42, ['whatsapp'])).rejects.toThrow('a phone was linked before');
    await probeChannels(world.deps, g42, ['telegram']);
  });
});

describe('one bot token', () => {
  /** The activities with these gateways on record. */
  function withRecords(...lives: Gateway[]) {
    const describe = async (id: string) => {
      const life = lives.find(({ mark }) => mark.gateway === id);
      const start = { layout: 1, deployment: testDeployment, gateway: id, limits: defaultLimits } as const;
      const state = life && { ...emptyState(1, 0), life: newLife(life), phase: 'ready' as const };
      return state && describeState(start, state, undefined);
    };
    return createActivities({ ...world.deps, records: { ...noRecords, describe } });
  }

  test('in two specs is refused before anything exists, under one name or under two, naming both', async () => {
    await world.deps.secrets.write('bot', bot('ONE'));
    await world.deps.secrets.write('same', bot('ONE'));
    const g41 = withTelegram('g41');
    for (const g42 of [withTelegram('g42'), withTelegram('g42', 'secret:same')]) {
      const activities = withRecords(g41, g42);
      await activities.ensureHost(g41);
      const refused: unknown = await activities.ensureHost(g42).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(Refused);
      expect(refused).toMatchObject({ message: expect.stringContaining('is the one of gateway g41 (secret:bot)') });
      expect(String(refused)).not.toContain(bot('ONE').reveal().slice(10));
      await activities.ensureHost(g41);
    }
    expect(world.engine.containers()).toEqual([]);
  });

  test('is free again when its gateway is gone, lives another life, or has another one', async () => {
    await world.deps.secrets.write('bot', bot('ONE'));
    await world.deps.secrets.write('other', bot('OTHER'));
    const g41 = withTelegram('g41');
    const g42 = withTelegram('g42');
    await withRecords(g41).ensureHost(g41);
    await withRecords(g42).ensureHost(g42);
    await withRecords(g41, withTelegram('g42')).ensureHost(g41);
    await withRecords(withTelegram('g41', 'secret:other'), g42).ensureHost(g42);
  });

  test('that `creel secret set` makes equal to another is noticed at the next look at the channels', async () => {
    const g42 = await served(bot('TWO'));
    await world.deps.secrets.write('first', bot('ONE'));
    const g41 = withTelegram('g41', 'secret:first');
    const activities = withRecords(g41, g42);
    await activities.ensureHost(g41);
    await activities.probeChannels(g42);
    await world.deps.secrets.write('bot', bot('ONE'));
    await expect(activities.probeChannels(g42)).rejects.toThrow('is the one of gateway g41');
  });
});
