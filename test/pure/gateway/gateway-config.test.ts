import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { channel } from '../../../src/domain/channels/channel.js';
import {
  holdsConfig,
  overlayConfig,
  renderConfig,
  tokenIn,
  type ConfigInput,
} from '../../../src/domain/gateway/config.js';
import { whyUnreadable } from '../../../src/domain/json.js';
import { Secret } from '../../../src/domain/secret.js';
import { lockOutMs } from '../../../src/domain/thresholds.js';

const input: ConfigInput = {
  release: '2026.9.6',
  token: new Secret('golden-token'),
  port: 19_123,
  channels: [
    channel({ kind: 'telegram', secrets: { botToken: 'secret:t' }, allowFrom: ['@me', '42'] }),
    channel({ kind: 'slack', secrets: { botToken: 'secret:b', appToken: 'secret:a' }, allowFrom: [] }),
  ],
};

const bare = renderConfig({ release: '2026.6.11', token: new Secret('t1'), port: 19_100, channels: [] });

describe('the rendered config', () => {
  test('is the golden file to the letter (S4-42, S0-15, S0-16, S1-2, S4-17, S4-39, S4-40)', () => {
    const golden = readFileSync(new URL('gateway-config.golden.txt', import.meta.url), 'utf8');
    expect(overlayConfig(undefined, renderConfig(input))).toBe(golden);
  });

  test('without channels names none', () => {
    expect(bare).not.toHaveProperty('channels');
  });

  test('locks out for well under the rotation budget of five minutes (S3-24)', () => {
    expect(bare['gateway']).toHaveProperty('auth.rateLimit.lockoutMs', lockOutMs);
    expect(lockOutMs).toBeLessThanOrEqual(300_000 / 5);
  });

  test('asks for every device, also one that comes over loopback, where the release knows how (S0-11)', () => {
    expect(renderConfig(input)['gateway']).toHaveProperty('nodes.pairing.autoApproveLocal', false);
    for (const release of ['2026.10.1', '2027.1.1']) {
      expect(renderConfig({ ...input, release })['gateway']).toHaveProperty('nodes.pairing.autoApproveLocal', false);
    }
    expect(bare['gateway']).not.toHaveProperty('nodes');
  });

  test('has no weak mode in it (S0-10, S3-10)', () => {
    const text = overlayConfig(undefined, renderConfig(input));
    expect(text).not.toMatch(/dangerously|allowInsecureAuth|"none"|"open"|"pairing"(?!:)|"\*"/);
  });
});

describe('the config over one that exists (S0-17)', () => {
  const existing = {
    meta: { lastTouchedVersion: '2026.9.6' },
    gateway: { port: 1, auth: { mode: 'none', token: 'old' }, controlUi: { allowedOrigins: ['https://g42.example'] } },
    agents: { defaults: { model: 'their-own' }, list: [{ id: 'main' }] },
  };
  const merged: unknown = JSON.parse(overlayConfig(JSON.stringify(existing), bare));

  test('keeps what is not ours', () => {
    expect(merged).toMatchObject({
      meta: existing.meta,
      agents: { defaults: { model: 'their-own' }, list: [{ id: 'main' }] },
    });
  });

  test('puts right what is ours, and adds to lists without taking from them', () => {
    expect(merged).toMatchObject({
      gateway: {
        port: 18_789,
        auth: { mode: 'token', token: 't1' },
        remote: { token: 't1' },
        controlUi: { allowedOrigins: ['https://g42.example', 'http://127.0.0.1:19100', 'http://localhost:19100'] },
      },
    });
  });

  test('keeps what somebody wrote by hand as OpenClaw reads it: comments, single quotes, trailing commas (JSON5)', () => {
    const text = `// my agent\n{ agents: { defaults: { model: 'their-own', }, }, gateway: { auth: { token: 't1' /* ours */ } } }`;
    expect(JSON.parse(overlayConfig(text, bare))).toMatchObject({ agents: { defaults: { model: 'their-own' } } });
    expect(tokenIn(text)).toBe('t1');
    expect(whyUnreadable(text)).toBeUndefined();
    const whole = `${overlayConfig(undefined, bare).trimEnd().slice(0, -1)}, /* mine */ mine: 1, }`;
    expect(holdsConfig(whole, bare)).toBe(true);
  });

  test.each(['{ "gateway":', 'null', '7', '[]', '"text"', 'gateway = 1'])('says why %j is no config', (text) => {
    expect(whyUnreadable(text)).toMatch(/invalid|not an object/);
  });

  test.each([undefined, '', ' \n'])('takes %j for no config, which nobody misses', (text) => {
    expect(whyUnreadable(text)).toBeUndefined();
  });

  test.each([undefined, '', '{ "gateway":', 'null', '7', '[]', '"text"'])('gives ours alone over %j', (text) => {
    expect(JSON.parse(overlayConfig(text, bare))).toEqual(bare);
    expect(holdsConfig(text, bare)).toBe(false);
  });

  test('holds what it wrote, once over is the same as twice, and nothing foreign is lost: whatever was there', () => {
    const texts = fc.oneof(
      fc.json(),
      fc.string(),
      fc.constant(undefined),
      fc.object().map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const once = overlayConfig(text, bare);
        expect(holdsConfig(once, bare)).toBe(true);
        expect(overlayConfig(once, bare)).toBe(once);
      }),
    );
  });

  test('keeps every key of an object that is not among ours', () => {
    const foreign = fc.dictionary(
      fc.string().filter((key) => !(key in bare)),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(foreign, (given) => {
        const before: Record<string, unknown> = JSON.parse(JSON.stringify(given));
        const after: Record<string, unknown> = JSON.parse(overlayConfig(JSON.stringify(given), bare));
        for (const key of Object.keys(before)) expect(after[key]).toEqual(before[key]);
      }),
    );
  });

  test.each([
    ['another token', { gateway: { auth: { token: 't0' } } }],
    ['a switched-off auth', { gateway: { auth: { mode: 'none' } } }],
    ['a missing origin', { gateway: { controlUi: { allowedOrigins: ['http://localhost:19100'] } } }],
    ['another workspace', { agents: { defaults: { workspace: '/tmp' } } }],
  ])('sees %s', (_what, drift) => {
    const drifted = structuredClone(bare);
    expect(holdsConfig(JSON.stringify(drifted), bare)).toBe(true);
    expect(holdsConfig(JSON.stringify(put(drifted, drift)), bare)).toBe(false);
  });
});

/** Puts the leaves of `over` into `base`, replacing lists whole. */
function put(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over;
  return { ...base, ...Object.fromEntries(Object.entries(over).map(([key, value]) => [key, put(base[key], value)])) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

test('the token that a config holds is found, or nothing', () => {
  expect(tokenIn(overlayConfig(undefined, bare))).toBe('t1');
  for (const text of [undefined, '', '{}', '{"gateway":{"auth":{"token":7}}}', '[]'])
    expect(tokenIn(text)).toBeUndefined();
});
