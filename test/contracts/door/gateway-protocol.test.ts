import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { publishedLink, readLink } from '../../../src/adapters/openclaw/control-link.js';
import {
  connectParams,
  deviceProofText,
  readClose,
  readFrame,
  readHello,
  readRefusal,
} from '../../../src/adapters/openclaw/protocol.js';
import { readReport, readVisit, visitInput } from '../../../src/adapters/openclaw/inside-visit.js';
import { readStartup } from '../../../src/adapters/openclaw/startup-probe.js';
import { NotYet, Refused } from '../../../src/domain/errors.js';
import { Secret } from '../../../src/domain/secret.js';
import { deviceFrom } from '../../../src/domain/keys/token.js';

const challenge = { nonce: 'n0nce', ts: 1_790_000_000_000 };
const device = deviceFrom(Buffer.alloc(32, 7));
const as = { token: new Secret('the-token'), device, scopes: ['operator.admin', 'operator.read'] };

describe('a connect', () => {
  test('is proved by a signature over payload version 3', () => {
    const text = deviceProofText(device, as, challenge);
    expect(text).toBe(
      `v3|${device.id}|gateway-client|backend|operator|operator.admin,operator.read|1790000000000|the-token|n0nce|linux|`,
    );
    const { signature } = z.object({ signature: z.string() }).parse(connectParams(as, challenge)['device']);
    const x = device.publicKey;
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  test('carries no device when there is none', () => {
    expect(connectParams({ ...as, device: undefined }, challenge)).not.toHaveProperty('device');
  });
});

describe('a refusal of a connect', () => {
  test.each([
    ['INVALID_REQUEST', { code: 'AUTH_TOKEN_MISMATCH' }, { kind: 'wrong token' }],
    ['INVALID_REQUEST', { code: 'AUTH_TOKEN_MISSING' }, { kind: 'wrong token' }],
    ['INVALID_REQUEST', { code: 'AUTH_RATE_LIMITED' }, { kind: 'locked out' }],
    [
      'NOT_PAIRED',
      { code: 'PAIRING_REQUIRED', reason: 'not-paired', requestId: 'r1', requestedScopes: [] },
      { kind: 'pairing required', requestId: 'r1', reason: 'not-paired' },
    ],
    ['NOT_PAIRED', { code: 'PAIRING_REQUIRED' }, { kind: 'turned away', code: 'PAIRING_REQUIRED', reason: 'm' }],
    [
      'NOT_PAIRED',
      { code: 'DEVICE_IDENTITY_REQUIRED' },
      { kind: 'turned away', code: 'DEVICE_IDENTITY_REQUIRED', reason: 'm' },
    ],
    ['INVALID_REQUEST', undefined, { kind: 'turned away', code: 'INVALID_REQUEST', reason: 'm' }],
    ['INVALID_REQUEST', { code: 7 }, { kind: 'turned away', code: 'INVALID_REQUEST', reason: 'm' }],
  ])('%s %j is %j', (code, details, expected) => {
    expect(refusal(code, 'm', details)).toEqual(expected);
  });

  test('of a gateway that is starting is not yet', () => {
    expect(() => refusal('UNAVAILABLE', 'gateway starting; retry shortly', { reason: 'startup-sidecars' })).toThrow(
      NotYet,
    );
  });

  test.each([1006, 1012, 1013, 1001, 1005])('close %i before any word is not yet', (code) => {
    expect(() => readClose(code, '')).toThrow(NotYet);
  });

  test('close 1008 before any word is a verdict with its reason', () => {
    expect(readClose(1008, 'invalid connect params')).toEqual({
      kind: 'turned away',
      code: 'close 1008',
      reason: 'invalid connect params',
    });
  });
});

describe('what is no frame', () => {
  test.each(['', 'null', '[]', '{"type":"res"}', '{"type":"res","id":"1","ok":false}', 'the-token'])(
    '%j is an error that does not repeat it',
    (text) => {
      expect(() => readFrame(text)).toThrow(/the gateway sent/);
      if (text.length > 4) expect(() => readFrame(text)).not.toThrow(text);
    },
  );

  test('a hello of another protocol version is an error', () => {
    expect(() => readHello({ type: 'hello-ok', protocol: 5, server: { version: '1' } })).toThrow(/protocol version 4/);
  });
});

describe('a visit inside', () => {
  const hello = JSON.stringify({
    type: 'res',
    id: '1',
    ok: true,
    payload: {
      type: 'hello-ok',
      protocol: 4,
      server: { version: '2026.9.6', bootId: 'b' },
      auth: { scopes: ['operator.admin'] },
    },
  });
  const calls = [{ method: 'config.patch', params: {} }];

  test('leaves room for its report before the exec around it is given up', () => {
    expect(JSON.parse(visitInput(as.token, calls, 30_000))).toMatchObject({ limitMs: 28_000, port: 18_789 });
  });

  test('that found nobody listening, or was hung up on, is not yet', () => {
    expect(() => readVisit({ frames: [], error: 'ECONNREFUSED' }, calls)).toThrow(NotYet);
    expect(() => readVisit({ frames: [], close: 1013, reason: 'gateway starting' }, calls)).toThrow(NotYet);
  });

  test('that lost its connection between calls is an error naming the call, whose effect is not known', () => {
    expect(() => readVisit({ frames: [hello], close: 4001, reason: '' }, calls)).toThrow(/lost before config\.patch/);
    expect(() => readVisit({ frames: [hello], close: 4001, reason: '' }, calls)).not.toThrow(NotYet);
  });

  test('whose script printed something else is an error that does not repeat it', () => {
    expect(() => readReport('a secret')).toThrow(/no report/);
    expect(() => readReport('a secret')).not.toThrow(/a secret/);
  });
});

describe('start-up', () => {
  const page = { status: 200, body: undefined };

  test('is what /startupz says in its body, whatever its code (T5)', async () => {
    const never = { status: 200, body: { ready: true } };
    await readStartup(answers({ body: { ok: true, status: 'started' } }, {}));
    await expect(readStartup(answers({ status: 503, body: { ok: false, status: 'starting' } }, never))).rejects.toThrow(
      '/startupz 503 starting',
    );
    await expect(readStartup(answers({ status: 503, body: { status: 'draining' } }, never))).rejects.toThrow(NotYet);
  });

  test('is what /readyz says where /startupz is a page (2026.6.11)', async () => {
    await readStartup(answers(page, { body: { ready: true } }));
    await expect(readStartup(answers(page, { status: 503, body: { ready: false } }))).rejects.toThrow(NotYet);
    await expect(readStartup(answers(page, page))).rejects.toThrow(NotYet);
  });
});

describe('a one-time link', () => {
  const browserUrl =
    'http://127.0.0.1:18789/#bootstrapToken=a-b_c.d&bootstrapProfile=owner&gatewayUrl=ws%3A%2F%2F127.0.0.1%3A18789';
  const printed = {
    ok: true,
    url: 'http://127.0.0.1:18789/#token=the-token',
    browserUrl,
    browserBootstrapExpiresAtMs: 1_790_000_600_000,
  };

  test('points to the published port in both places', () => {
    expect(publishedLink(browserUrl, 19_100)).toBe(
      'http://127.0.0.1:19100/#bootstrapToken=a-b_c.d&bootstrapProfile=owner&gatewayUrl=ws%3A%2F%2F127.0.0.1%3A19100',
    );
  });

  test('is the browser url with its end, never the one with the token', () => {
    const { url, expiresAt } = readLink(result(JSON.stringify(printed)), 19_100);
    expect(url.reveal()).not.toContain('the-token');
    expect(expiresAt).toBe('2026-09-21T14:23:20.000Z');
  });

  test('of a release that makes none is refused, without its output', () => {
    const old = JSON.stringify({ url: printed.url });
    expect(() => readLink(result(old), 19_100)).toThrow(Refused);
    expect(() => readLink(result(old), 19_100)).not.toThrow(/the-token/);
    expect(() => readLink(result('', 'OpenClaw does not recognize option "--json".', 1), 19_100)).toThrow(Refused);
  });

  test('that could not be made this time is an error with the reason', () => {
    expect(() => readLink(result('{"ok":false,"reason":"HTTP 503"}', '', 1), 19_100)).toThrow(/HTTP 503/);
    expect(() => readLink(result('', 'killed', 137), 19_100)).toThrow(/exit 137/);
  });
});

function refusal(code: string, message: string, details?: object): unknown {
  const frame = readFrame(JSON.stringify({ type: 'res', id: '1', ok: false, error: { code, message, details } }));
  return frame.kind === 'refusal' ? readRefusal(frame.error) : frame;
}

/** Answers of a server that says this at each of the two paths. */
function answers(startup: object, ready: object) {
  return async (path: string) => ({
    status: 200,
    body: undefined,
    ...(path === '/startupz' ? startup : ready),
  });
}

function result(stdout: string, stderr = '', exitCode = 0) {
  return { exitCode, stdout, stderr };
}
