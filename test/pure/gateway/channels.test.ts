import { describe, expect, test } from 'vitest';
import {
  channel,
  channelFaults,
  channelFrom,
  writtenKey,
  checkToken,
  demandHeard,
  tokenForms,
  type Channel,
  type ChannelKind,
} from '../../../src/domain/channels/channel.js';
import { renderChannels } from '../../../src/domain/channels/config.js';
import { at } from '../../../src/domain/json.js';
import { secretName } from '../../../src/domain/secret-name.js';
import { refusal } from '../refusal.js';

const telegram = `123456789:${'A'.repeat(35)}`;
const discord = `${'M'.repeat(24)}.Gh4x_1.${'z'.repeat(27)}`;

const tokens: [ChannelKind, string, string, string[]][] = [
  [
    'telegram',
    'botToken',
    telegram,
    [
      `bot${telegram}`,
      telegram.slice(0, -1),
      `${telegram}A`,
      telegram.replace(':', ''),
      ` ${telegram}`,
      `${telegram}\n`,
      `123:${'A'.repeat(35)}`,
    ],
  ],
  [
    'discord',
    'token',
    discord,
    [`Bot ${discord}`, discord.replaceAll('.', ''), telegram, `${discord}.more`, discord.slice(0, 20)],
  ],
  [
    'slack',
    'botToken',
    'xoxb-1234567890-abcdefghij',
    ['xoxp-1234567890-abcdefghij', 'xapp-1-A0123456789-abc', 'xoxb-short'],
  ],
  [
    'slack',
    'appToken',
    'xapp-1-A0123456789-abcdef',
    ['xoxb-1234567890-abcdefghij', 'xapp-short', 'XAPP-1-A0123456789-abc'],
  ],
];

describe('a channel token (S4-32)', () => {
  test.each(tokens)('of %s as %s has its form', (kind, key, right) => {
    expect(() => checkToken(kind, key, right)).not.toThrow();
  });

  test.each(tokens.flatMap(([kind, key, , wrong]) => wrong.map((value) => [kind, key, value] as const)))(
    'of %s as %s is refused as %j, without a word of it',
    (kind, key, value) => {
      const message = refusal(() => checkToken(kind, key, value));
      expect(message).toContain(`channel ${kind}: the stored ${writtenKey(key)}`);
      expect(message).not.toContain(value.trim());
      expect(message).not.toContain(value.trim().slice(-8));
    },
  );

  test('forms are known for every secret that a channel needs', () => {
    expect(Object.entries(tokenForms).map(([kind, forms]) => [kind, Object.keys(forms)])).toEqual([
      ['telegram', ['botToken']],
      ['discord', ['token']],
      ['slack', ['botToken', 'appToken']],
      ['whatsapp', []],
    ]);
  });
});

describe('a channel', () => {
  const slack = { kind: 'slack', secrets: { botToken: 'secret:b', appToken: 'secret:a' }, allowFrom: ['U1'] };

  test('is taken as given, without anything else that came along', () => {
    expect(channel({ ...slack, dmPolicy: 'open' })).toEqual(slack);
  });

  test('lets nobody in unless named (S4-40)', () => {
    expect(channel({ kind: 'telegram', secrets: { botToken: 'secret:t' } }).allowFrom).toEqual([]);
  });

  test.each([
    [{ kind: 'signal' }, 'unknown: telegram, discord, slack, whatsapp'],
    [{ kind: 'whatsapp', secrets: { token: 'secret:t' } }, 'whatsapp takes no token: a phone is linked'],
    [{ kind: undefined }, 'unknown'],
    [{ kind: 'toString', secrets: {} }, 'unknown'],
    [{ kind: ['slack'] }, 'unknown'],
    [{ secrets: { botToken: 'secret:b' } }, 'needs bot_token and app_token'],
    [{ secrets: { ...slack.secrets, token: 'secret:c' } }, 'needs bot_token and app_token'],
    [{ secrets: { botToken: 'secret:b', appToken: 'secret:A' } }, 'must be a reference'],
    [{ allowFrom: '@me' }, 'must list the senders'],
    [{ allowFrom: ['*'] }, 'an open channel'],
    [{ allowFrom: [''] }, 'must list the senders'],
    [{ allowFrom: [7] }, 'must list the senders'],
  ])('is refused with %j', (wrong, why) => {
    expect(refusal(() => channel({ ...slack, ...wrong }))).toContain(why);
  });

  test.each([null, undefined, 'slack'])('that is %j is refused', (raw) => {
    expect(refusal(() => channel(raw))).toContain('unknown');
  });

  test('with the token itself instead of a reference is refused without a word of it', () => {
    const message = refusal(() => channel({ kind: 'telegram', secrets: { botToken: telegram }, allowFrom: [] }));
    expect(message).toContain('not the value itself');
    expect(message).not.toContain(telegram.slice(10));
  });
});

describe('S2-46: a channel whose senders are told a code', () => {
  const asks = { kind: 'telegram', secrets: { botToken: 'secret:t' }, allowFrom: [] } as const;

  test('is one only by the very word of its spec, and may name nobody', () => {
    expect(channelFrom({ ...asks, pairSenders: true })).toEqual({ ...asks, pairSenders: true });
    expect(channel({ ...asks, pairSenders: false })).toEqual(asks);
    expect(refusal(() => channelFrom(asks))).toContain('allow_from names nobody');
    expect(refusal(() => channel({ ...asks, pairSenders: 'yes' }))).toContain('must be true or false');
    expect(refusal(() => channelFrom({ ...asks, allowFrom: ['@kim'], pairSenders: true }))).toContain('never matches');
  });

  test('is heard by whoever sends it over the wire, and nobody finds fault with it', () => {
    expect(() => demandHeard([{ ...asks, pairSenders: true }], [])).not.toThrow();
    expect(refusal(() => demandHeard([asks], [{ ...asks, pairSenders: true }]))).toContain('names nobody');
    expect(channelFaults([{ ...asks, pairSenders: true }])).toEqual([]);
  });

  test('pairs in the config, where any other lists whom it hears', () => {
    const policy = (of: Channel) => at(renderChannels([of], '/state'), ['channels', 'telegram']);
    expect(policy({ ...asks, pairSenders: true })).toMatchObject({ dmPolicy: 'pairing', allowFrom: [] });
    expect(policy({ ...asks, allowFrom: ['1'] })).toMatchObject({ dmPolicy: 'allowlist', allowFrom: ['1'] });
  });
});

describe('the senders of a channel (S4-40)', () => {
  const telegramOf = (...allowFrom: string[]) =>
    ({ kind: 'telegram', secrets: { botToken: 'secret:t' }, allowFrom }) as const;
  const refused = 'is not a numeric user id, for example "5550001": nobody would be heard';

  test('are taken in the form that the gateway compares with', () => {
    expect(channelFrom(telegramOf(' tg:5550001', 'telegram: 42 ', '42')).allowFrom).toEqual(['5550001', '42']);
    const discord = { kind: 'discord', secrets: { token: 'secret:d' }, allowFrom: ['discord:123456789012345678'] };
    expect(channelFrom(discord).allowFrom).toEqual(['123456789012345678']);
  });

  test('over the wire are refused unless they have it already, whoever sent them', () => {
    expect(() => demandHeard([telegramOf('42')], [])).not.toThrow();
    expect(refusal(() => demandHeard([telegramOf('@customer')], []))).toContain(refused);
    expect(refusal(() => demandHeard([telegramOf('tg:42')], []))).toContain('["42"]');
    expect(refusal(() => demandHeard([telegramOf()], []))).toContain('names nobody');
  });

  test('of an older record stay as they are, and are a finding that names the cure', () => {
    const stored = telegramOf('@customer');
    expect(channel(stored)).toEqual(stored);
    expect(() => demandHeard([stored], [stored])).not.toThrow();
    expect(refusal(() => demandHeard([telegramOf('@customer', '@other')], [stored]))).toContain(refused);
    expect(channelFaults([stored, telegramOf('42'), telegramOf('tg:42')])).toEqual([expect.stringContaining(refused)]);
    expect(channelFaults([telegramOf()])).toEqual([expect.stringContaining('names nobody')]);
  });

  test.each([' *', 'tg:*', 'telegram: *', '* ', 'TG:telegram:*'])('never let everybody in as %j', (all) => {
    expect(refusal(() => channelFrom(telegramOf('42', all)))).toContain('would let everybody in');
    const rendered = renderChannels([telegramOf('42', all)], '/state');
    expect(at(rendered, ['channels', 'telegram'])).toMatchObject({ allowFrom: ['42'] });
  });
});

describe('the name of a secret', () => {
  test.each(['g42-telegram', 'a', '0', 'a.b_c-d', 'a'.repeat(63)])('may be %s', (name) => {
    expect(secretName(name)).toBe(name);
  });

  test.each(['', '-a', '.a', 'A', 'a b', 'a/b', '../a', 'a'.repeat(64), 'a\n', undefined])(
    'is refused as %j',
    (name) => {
      expect(refusal(() => secretName(name))).toContain('For example: g42-telegram');
    },
  );
});
