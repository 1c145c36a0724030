import { describe, expect, test } from 'vitest';
import { rotationWay } from '../../../src/domain/gateway/reload-way.js';
import { fingerprint, reloads, tokenSources } from '../../../src/domain/keys/token-source.js';
import { masterKey } from '../../../src/domain/keys/token.js';

const key = masterKey('ab'.repeat(32));
const other = masterKey('cd'.repeat(32));
const nothing = { config: undefined, environment: {}, command: ['node', 'openclaw.mjs', 'gateway'] };

describe('the sources of a gateway token (S1-6, S2-7)', () => {
  test('are every place that can hold one, compared without the value', () => {
    const config = JSON.stringify({ gateway: { auth: { token: 'one' }, remote: { token: 'two' } } });
    const sources = tokenSources(key, {
      config,
      environment: { HOME: '/home/node', OPENCLAW_GATEWAY_TOKEN: 'one' },
      command: ['node', 'openclaw.mjs', 'gateway', '--token', 'three'],
    });
    expect(sources).toEqual([
      { place: 'gateway.auth.token in openclaw.json', fingerprint: fingerprint(key, 'one') },
      { place: 'gateway.remote.token in openclaw.json', fingerprint: fingerprint(key, 'two') },
      { place: 'OPENCLAW_GATEWAY_TOKEN in the container’s environment', fingerprint: fingerprint(key, 'one') },
      { place: '--token on the container’s command line', fingerprint: fingerprint(key, 'three') },
    ]);
    expect(JSON.stringify(sources)).not.toMatch(/"(one|two|three)"/);
  });

  test('are found in both spellings of an option', () => {
    const command = ['node', 'openclaw.mjs', 'gateway', '--token=a=b'];
    expect(tokenSources(key, { ...nothing, command })).toEqual([
      { place: '--token on the container’s command line', fingerprint: fingerprint(key, 'a=b') },
    ]);
  });

  test('are found in a config with comments and trailing commas, as a gateway reads it', () => {
    const config = "{ gateway: { auth: { token: 'one', }, /* off */ reload: { mode: 'off' } } } // mine";
    expect(tokenSources(key, { ...nothing, config })).toHaveLength(1);
    expect(reloads(config)).toBe(false);
  });

  test('are also references, whose value nobody knows from here', () => {
    const config = JSON.stringify({ gateway: { auth: { token: { source: 'file', id: 'value' } } } });
    expect(tokenSources(key, { ...nothing, config })).toHaveLength(1);
  });

  test.each([[undefined], ['{broken'], ['[]'], ['{"gateway":null}'], ['{"gateway":{"auth":{"token":""}}}']])(
    'are none in %j',
    (config) => {
      expect(tokenSources(key, { ...nothing, config })).toEqual([]);
    },
  );

  test('have a fingerprint that only the owner of the key can make', () => {
    expect(fingerprint(key, 'one')).not.toBe(fingerprint(other, 'one'));
    expect(fingerprint(key, 'one')).toMatch(/^[0-9a-f]{12}$/);
  });
});

describe('the way a release takes a new token up', () => {
  const prepared = {
    version: '2026.9.6',
    plugins: [],
    capabilities: ['startupz', 'hot-reload-token'],
    schemas: {},
  };

  const line = { version: '2026.9.6', image: 'creel/openclaw:2026.9.6', dev: true };
  const silent = { ...prepared, capabilities: [] };

  test('is a reload where its image or its trial says so and its config does not forbid it', () => {
    expect(rotationWay(prepared, line, '{}')).toBe('reload');
    expect(rotationWay(prepared, line, '{"gateway":{"reload":{"mode":"hybrid"}}}')).toBe('reload');
    expect(rotationWay(silent, { ...line, reloadsToken: true }, '{}')).toBe('reload');
  });

  test('is a restart everywhere else', () => {
    const off = '{"gateway":{"reload":{"mode":"off"}}}';
    expect(rotationWay(silent, line, '{}')).toBe('restart');
    expect(rotationWay(silent, { ...line, reloadsToken: false }, '{}')).toBe('restart');
    expect(rotationWay(prepared, line, off)).toBe('restart');
    expect(rotationWay(silent, { ...line, reloadsToken: true }, off)).toBe('restart');
    expect(reloads('{"gateway":{"reload":{"mode":"off"}}}')).toBe(false);
  });
});
