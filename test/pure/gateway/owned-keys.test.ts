import { describe, expect, test } from 'vitest';
import { channelPatch } from '../../../src/domain/channels/config.js';
import type { Channel } from '../../../src/domain/channels/channel.js';
import { bridgeOf, drift, opened } from '../../../src/domain/gateway/owned-keys.js';
import { tokenFile, tokenReference } from '../../../src/domain/channels/tokens.js';
import { cleared, readWritten, writtenText, type Written } from '../../../src/domain/gateway/written-config.js';

const around = { bridge: '10.214.3.17', channels: ['telegram'] };
const telegram = (allowFrom: string[]): Channel => ({
  kind: 'telegram',
  secrets: { botToken: 'secret:bot' },
  allowFrom,
});
describe('a config that takes over what creel owns (S4-42)', () => {
  test.each([
    ['gateway.mode', { mode: 'remote' }],
    ['gateway.bind', { bind: 'loopback' }],
    ['gateway.port', { port: 19_000 }],
    ['gateway.tls.enabled', { tls: { enabled: true, autoGenerate: true } }],
    ['gateway.auth.mode', { auth: { mode: 'password', password: 'x' } }],
  ])('by %s is named, and put right', (key, gateway) => {
    const found = drift({ gateway }, around);
    expect(found).toMatchObject([{ kind: 'shut', key, sentence: expect.stringContaining(key) }]);
    expect(drift(opened({ gateway }), around)).toEqual([]);
    expect(opened({ gateway, ui: { seamColor: '#1' } })).toMatchObject({ ui: { seamColor: '#1' } });
  });

  test.each([
    [{ gateway: { $include: './config/gateway.json5' } }, 'gateway.$include'],
    [{ $include: './base.json5' }, '$include'],
    [{ gateway: { auth: { $include: ['./a.json5'] } } }, 'gateway.auth.$include'],
    [{ channels: { telegram: { $include: './t.json5' } } }, 'channels.telegram.$include'],
  ])('by an include: %j is named, for its owner', (config, key) => {
    expect(drift(config, around)).toMatchObject([
      { kind: 'split', key, sentence: expect.stringContaining('$include') },
    ]);
  });

  test('is not one that includes where creel writes nothing', () => {
    const config = { agents: { $include: './agents.json5' }, channels: { discord: { $include: './d.json5' } } };
    expect(drift(config, around)).toEqual([]);
  });

  test.each([['10.0.0.0/8'], ['10.214.3.17'], ['10.214.3.16/28']])(
    'by a proxy list with %s: noted, with the address',
    (entry) => {
      const config = { gateway: { trustedProxies: ['127.0.0.1', '::1', 'no address', entry, '192.168.0.0/16'] } };
      expect(drift(config, around)).toMatchObject([
        { kind: 'noted', key: 'gateway.trustedProxies', sentence: expect.stringMatching(/covers 10\.214\.3\.17/) },
      ]);
      expect(opened(config)).toEqual(config);
    },
  );

  test('is not one with a proxy that has an address of its own', () => {
    expect(drift({ gateway: { trustedProxies: ['10.214.3.20'] } }, around)).toEqual([]);
    expect(bridgeOf('10.214.3.16/28')).toBe('10.214.3.17');
  });
});

describe('what a spec dropped is out of a config, whatever way it came', () => {
  const before: Written = {
    channels: [telegram(['1', '2'])],
    origins: ['http://127.0.0.1:1', 'http://localhost:1'],
    models: [],
    config: [],
  };
  const config = {
    gateway: { controlUi: { allowedOrigins: [...before.origins, 'https://bot.customer.example'] } },
    channels: { telegram: { enabled: true, botToken: 'old', dmPolicy: 'allowlist', allowFrom: ['1', '2', '77'] } },
  };

  test('a sender and the origins of a former port go, what the customer added stays', () => {
    const next: Written = {
      channels: [telegram(['1'])],
      origins: ['http://127.0.0.1:2', 'http://localhost:2'],
      models: [],
      config: [],
    };
    const text = cleared(JSON.stringify(config), readWritten(writtenText(before)), next) ?? '';
    expect(JSON.parse(text)).toMatchObject({
      gateway: { controlUi: { allowedOrigins: ['https://bot.customer.example'] } },
      channels: { telegram: { allowFrom: ['1', '77'] } },
    });
  });

  test('a channel goes with its token', () => {
    const own = { ...config, channels: { telegram: { ...config.channels.telegram, allowFrom: ['1', '2'] } } };
    const text = cleared(JSON.stringify(own), before, { ...before, channels: [] }) ?? '';
    expect(text).not.toContain('old');
    expect(JSON.parse(text)).not.toHaveProperty('channels');
  });

  test('a state that remembers nothing loses nothing', () => {
    const next: Written = { channels: [telegram(['1'])], origins: ['http://127.0.0.1:2'], models: [], config: [] };
    const text = cleared(JSON.stringify(config), readWritten(undefined), next) ?? '';
    expect(JSON.parse(text)).toEqual(config);
    expect(readWritten('{ torn')).toEqual({ channels: [], origins: [], models: [], config: [] });
  });

  test('what an earlier creel wrote is taken out, though nobody may ask for it by now (S0-17)', () => {
    const earlier = [
      { kind: 'telegram', secrets: { botToken: 'g42 bot', hookSecret: 'secret:hook' }, allowFrom: ['1', '*', ''] },
      { kind: 'matrix', secrets: { accessToken: 'secret:matrix' }, allowFrom: [] },
      { kind: '__proto__', secrets: {}, allowFrom: [] },
      'torn',
    ];
    const provider = { id: 'mistral', key: 'mistral key', api: 'of-old', baseUrl: 'http://user@old.example?x=1' };
    const models = [{ default: 'gone', fallbacks: ['x'.repeat(4096)], providers: [provider], of: 'old' }];
    const memory = JSON.stringify({ layout: 1, channels: earlier, origins: [], models });
    const remembered = readWritten(memory);
    const lived = {
      channels: {
        telegram: { enabled: true, botToken: 'old', hookSecret: 'hook', allowFrom: ['1', '*', '77'] },
        matrix: { enabled: true, accessToken: 'old', dmPolicy: 'allowlist', allowFrom: [] },
      },
      models: { providers: { mistral: { apiKey: { source: 'file', provider: 'creel', id: '/mistral' } }, own: {} } },
      agents: { defaults: { model: { primary: 'gone' } } },
    };
    const next: Written = { channels: [], origins: [], models: [], config: [] };
    const left: unknown = JSON.parse(cleared(JSON.stringify(lived), remembered, next) ?? '');
    expect(left).toEqual({
      channels: { telegram: { enabled: false, dmPolicy: 'allowlist', allowFrom: ['77'] } },
      models: { providers: { own: {} } },
      agents: { defaults: {} },
    });
    expect(readWritten(writtenText(remembered))).toEqual(remembered);
  });
});

describe('a default account that says otherwise than its channel', () => {
  const second = { botToken: 'second' };
  const account = { botToken: 'old-token', dmPolicy: 'open', allowFrom: ['1', '2', '77'], name: 'mine' };
  const config = {
    channels: {
      telegram: { enabled: true, tokenFile: '/old', allowFrom: [], accounts: { default: account, second } },
    },
  };

  test('says it no more: the new token is in force, other accounts and the customer’s senders stay', () => {
    const patch = channelPatch(JSON.stringify(config), [telegram(['1', '2'])], [telegram(['1'])], '/state');
    expect(JSON.parse(patch?.raw ?? '')).toEqual({
      ...tokenFile('/state'),
      channels: {
        telegram: {
          tokenFile: null,
          botToken: tokenReference('telegram', 'botToken'),
          dmPolicy: 'allowlist',
          allowFrom: ['1', '77'],
          accounts: { default: { botToken: null, dmPolicy: null, allowFrom: null } },
        },
      },
    });
    expect(patch?.replacePaths).toEqual(['channels.telegram.accounts.default.allowFrom']);
  });

  test('is silent in a config that is written, too', () => {
    const written: Written = { channels: [telegram(['1'])], origins: [], models: [], config: [] };
    const text = cleared(JSON.stringify(config), written, written) ?? '';
    expect(JSON.parse(text)).toMatchObject({
      channels: { telegram: { accounts: { default: { name: 'mine' }, second } } },
    });
    expect(text).not.toContain('old-token');
  });
});
