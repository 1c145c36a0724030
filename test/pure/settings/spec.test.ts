import { describe, expect, it } from 'vitest';
import { Refused } from '../../../src/domain/errors.js';
import { draftFromToml, megabytes, milliseconds, specFrom, specOver } from '../../../src/settings/spec.js';

const file = 'gateway.toml';
const rawToken = `123456789:${'A'.repeat(35)}`;

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

const specOf = (text: string) => specFrom(draftFromToml(text, file));

describe('a spec as people write it', () => {
  it('fills in what is not said: 2 GB, 2 cpus, state kept for 14 days, no park', () => {
    expect(specOf('release = "2026.9.6"')).toEqual({
      release: '2026.9.6',
      dev: false,
      memoryMb: 2048,
      cpus: 2,
      keepStateMs: 14 * 24 * 3_600_000,
      parkMs: 0,
      channels: [],
    });
  });

  it('over a gateway that lives changes only what it says', () => {
    const onRecord = specOf('release = "2026.9.6"\nmemory = "4 GB"\npark_for = "1 hour"\nrotation = "scheduled"');
    expect(specOver(onRecord, { release: '2026.9.6' })).toEqual(onRecord);
    expect(specOver(onRecord, {})).toEqual(onRecord);
    expect(specOver(onRecord, { cpus: 4, park_for: '0', rotation: 'manual' })).toEqual(
      specOf('release = "2026.9.6"\nmemory = "4 GB"\ncpus = 4'),
    );
    expect(specOver(onRecord, draftFromToml('memory = "2 GB"\nkeep_former = "1 day"', file))).toEqual({
      ...onRecord,
      memoryMb: 2048,
      keepFormerMs: 24 * 3_600_000,
    });
  });

  it('says whether rotations of the fleet take it along', () => {
    expect(specOf('release = "2026.9.6"\nrotation = "scheduled"').rotation).toBe('scheduled');
    expect(specOf('release = "2026.9.6"\nrotation = "manual"')).toEqual(specOf('release = "2026.9.6"'));
    expect(refusal(() => specOf('release = "2026.9.6"\nrotation = "daily"'))).toContain('"manual" or "scheduled"');
  });

  it('takes every field in words', () => {
    const text = `
release = "2026.9.6"
dev = true
memory = "3 GB"
cpus = 1.5
keep_state = "0"
park_for = "30 minutes"

[[channels]]
kind = "telegram"
bot_token = "secret:g42-telegram"
allow_from = [" tg:5550001 ", "5550001", "Telegram:42"]

[[channels]]
kind = "slack"
bot_token = "secret:g42-slack-bot"
app_token = "secret:g42-slack-app"
allow_from = ["U012AB3CD"]
`;
    expect(specOf(text)).toEqual({
      release: '2026.9.6',
      dev: true,
      memoryMb: 3072,
      cpus: 1.5,
      keepStateMs: 0,
      parkMs: 1_800_000,
      channels: [
        { kind: 'telegram', secrets: { botToken: 'secret:g42-telegram' }, allowFrom: ['5550001', '42'] },
        {
          kind: 'slack',
          secrets: { botToken: 'secret:g42-slack-bot', appToken: 'secret:g42-slack-app' },
          allowFrom: ['U012AB3CD'],
        },
      ],
    });
  });

  it.each([
    ['2 GB', 2048],
    ['2048 MB', 2048],
    ['1.5gb', 1536],
  ])('reads %s as %i MB', (text, expected) => expect(megabytes(text)).toBe(expected));

  it.each([
    ['14 days', 1_209_600_000],
    ['30 minutes', 1_800_000],
    ['2h', 7_200_000],
    ['0', 0],
  ])('reads %s as %i ms', (text, expected) => expect(milliseconds('keep_state', text)).toBe(expected));

  it.each(['14', 'soon', '3 moons', '-1 day', '', '1 day 2 hours'])('refuses the duration %j', (text) => {
    expect(refusal(() => milliseconds('keep_state', text))).toContain('keep_state');
  });

  it.each(['2', '2 TB', 'much', ''])('refuses the size %j', (text) => {
    expect(refusal(() => megabytes(text))).toContain('not a size');
  });
});

const telegram = (...senders: string[]) =>
  `[[channels]]\nkind = "telegram"\nbot_token = "secret:a"\nallow_from = [${senders.map((each) => `"${each}"`).join(', ')}]`;
const slack = (sender: string) =>
  `[[channels]]\nkind = "slack"\nbot_token = "secret:a"\napp_token = "secret:b"\nallow_from = ["${sender}"]`;

const whatsapp = (sender: string) => `[[channels]]\nkind = "whatsapp"\nallow_from = ["${sender}"]`;

it('S0-16: takes WhatsApp with the numbers of its senders and no token', () => {
  const { channels } = specOf(`release = "2026.9.6"\n${whatsapp('whatsapp:+15551234567')}`);
  expect(channels).toEqual([{ kind: 'whatsapp', secrets: {}, allowFrom: ['+15551234567'] }]);
});

describe('what a file may not say', () => {
  it.each<[string, string]>([
    ['memory = "1 GB"', '1.5 GB'],
    ['release = "latest"', 'floating'],
    ['cpus = "two"', 'cpus must be a number'],
    ['cpus = 0', 'cpus'],
    ['memori = "2 GB"', 'unknown memori'],
    ['memory = 2048', 'memory must be a size in quotes'],
    ['[[channels]]\nkind = "icq"', 'channels[0].kind'],
    ['[[channels]]\nkind = "toString"', 'channels[0].kind'],
    ['[[channels]]\nkind = "slack"\nbot_token = "secret:a"', 'bot_token and app_token'],
    [telegram('*'), 'an open channel'],
    ...[' *', 'tg:*', 'telegram: *', '\\t*'].map((all): [string, string] => [telegram(all), 'would let everybody in']),
    [telegram('@customer'), 'a name never matches. To find it: they write to @userinfobot'],
    [telegram('-1001234567890'), 'is not a numeric user id'],
    [telegram('9'.repeat(40)), 'is not a numeric user id'],
    [telegram(), 'names nobody, so nobody could talk to the gateway'],
    ['[[channels]]\nkind = "telegram"\nbot_token = "secret:a"', 'names nobody'],
    [`${telegram()}\npair_senders = "yes"`, 'channels[0].pair_senders must be true or false'],
    [`${telegram('1')}\ndm_policy = "pairing"`, 'or write pair_senders = true'],
    [telegram(...Array.from({ length: 101 }, (_, index) => String(index + 1))), 'more than 100'],
    ['[[channels]]\nkind = "discord"\ntoken = "secret:a"\nallow_from = ["someuser"]', 'Copy User ID'],
    ['[[channels]]\nkind = "discord"\ntoken = "secret:a"\nallow_from = ["12345"]', 'Copy User ID'],
    [slack('@bob'), 'Copy member ID'],
    [slack('u012ab3cd'), 'Copy member ID'],
    [whatsapp('15551234567'), 'is not a telephone number with + and its country'],
    [whatsapp('+1 555 123-4567'), 'without spaces'],
    [`${whatsapp('+15551234567')}\ntoken = "secret:a"`, 'whatsapp takes no token'],
    ['[[channels]]\nkind = "telegram"\nbot_token = "secret:a"\ncolour = "red"', 'channels[0] has unknown colour'],
  ])('refuses %j, naming it', (line, expected) => {
    const text = line.includes('release') ? line : `release = "2026.9.6"\n${line}`;
    expect(refusal(() => specOf(text))).toContain(expected);
  });

  it('asks for a release when nobody names one', () => {
    expect(refusal(() => specOf('cpus = 2'))).toContain('release is missing');
  });

  it.each([
    ['auth = "none"', 'auth'],
    ['[gateway.auth]\nmode = "none"', 'gateway.auth.mode'],
    ['[gateway.controlUi]\nallowInsecureAuth = true', 'gateway.controlUi.allowInsecureAuth'],
    ['dangerouslyDisableDeviceAuth = true', 'dangerouslyDisableDeviceAuth'],
    ['[[channels]]\nkind = "telegram"\nbot_token = "secret:a"\ndm_policy = "open"', 'channels[0].dm_policy'],
    ['[[channels]]\nkind = "discord"\ntoken = "secret:a"\ndmPolicy = "pairing"', 'channels[0].dmPolicy'],
    ['[[channels]]\nkind = "discord"\ntoken = "secret:a"\ndm = { policy = "open" }', 'channels[0].dm.policy'],
  ])('refuses the weak mode %j by its place', (line, place) => {
    const message = refusal(() => specOf(`release = "2026.9.6"\n${line}`));
    expect(message).toMatch(/^gateway\.toml, line [2-5]: /);
    expect(message).toContain(`: ${place}`);
    expect(message).toContain('is refused');
  });

  it.each([
    ['a raw token', `[[channels]]\nkind = "telegram"\nbot_token = "${rawToken}"`],
    ['a raw token under an unknown field', `[[channels]]\nkind = "telegram"\ntok = "${rawToken}"`],
    ['a raw token on a broken line', `[[channels]]\nkind = "telegram"\nbot_token = ${rawToken}`],
    ['a raw token as a list', `[[channels]]\nkind = "telegram"\nbot_token = ["${rawToken}"]`],
  ])('refuses %s without echoing it', (_what, text) => {
    const message = refusal(() => specOf(`release = "2026.9.6"\n${text}`));
    expect(message).not.toContain(rawToken.slice(0, 9));
    expect(message).not.toContain('AAAA');
  });

  it.each([
    ['memory = 7', 2],
    ['memori = "2 GB"', 2],
    ['cpus = 2\n# more\nrotation = "weekly"', 4],
    ['[[channels]]\nkind = "telegram"\n\n[[channels]]\nkind = "icq"', 6],
    ['[[channels]]\nkind = "telegram"\nallow_from = "me"', 4],
    ['[[channels]]\nkind = "telegram"\ncolour = "red"', 4],
    ['[[channels]]\nallow_from = []', 2],
    ['channels = [{ kind = "icq" }]', 2],
    ['"cpus" = "two"', 2],
  ])('names the line on which %j is wrong', (lines, line) => {
    expect(refusal(() => specOf(`release = "2026.9.6"\n${lines}`))).toMatch(
      new RegExp(`^gateway\\.toml, line ${line}: `),
    );
  });

  it('names the line of a file that is not TOML', () => {
    expect(refusal(() => specOf('release = "2026.9.6"\nmemory = 2 GB\n'))).toContain('gateway.toml, line 2');
  });
});
