import { describe, expect, test } from 'vitest';
import { holdsConfig, overlayConfig, renderConfig, saysSame } from '../../../src/domain/gateway/config.js';
import { drift } from '../../../src/domain/gateway/owned-keys.js';
import { cleared, type Written } from '../../../src/domain/gateway/written-config.js';
import type { JsonObject } from '../../../src/domain/json.js';
import { customersKeys, keysText, renderModels, withOwnKeys } from '../../../src/domain/models/config.js';
import type { Models } from '../../../src/domain/models/models.js';
import { Secret } from '../../../src/domain/secret.js';

const models: Models = {
  default: 'anthropic/claude-opus-5',
  fallbacks: ['litellm/fast'],
  providers: [
    { id: 'anthropic', key: 'secret:a' },
    {
      id: 'litellm',
      key: 'secret:l',
      baseUrl: 'http://litellm.internal:4000/v1',
      api: 'openai-completions',
      models: ['fast'],
    },
  ],
};
const other: Models = { default: 'openai/gpt-6', fallbacks: [], providers: [{ id: 'openai', key: 'secret:o' }] };
const reference = (id: string) => ({ source: 'file', provider: 'creel', id: `/${id}` });

const owned = (of?: Models) =>
  renderConfig({ release: '2026.9.6', token: new Secret('t'), port: 19_100, channels: [], models: of });
const written = (...of: Models[]): Written => ({ channels: [], origins: [], models: of, config: [] });
const text = (config: JsonObject) => overlayConfig(JSON.stringify(config), {});
/** A config after a spec of models was written over it, and then a spec of others. */
const turned = (config: JsonObject, from: Models | undefined, to: Models | undefined): JsonObject => {
  const [before, next] = [written(...(from ? [from] : [])), written(...(to ? [to] : []))];
  const first = overlayConfig(cleared(text(config), written(), before), owned(from));
  return JSON.parse(overlayConfig(cleared(first, before, next), owned(to)));
};

describe('the models of a config', () => {
  test('are what a gateway is told, with a reference in the place of each key (S1-30)', () => {
    expect(renderModels(models, '/home/node/.openclaw')).toEqual({
      secrets: {
        providers: {
          creel: { source: 'file', path: '/home/node/.openclaw/secrets/model-keys.json', mode: 'json' },
        },
      },
      models: {
        providers: {
          anthropic: { apiKey: reference('anthropic') },
          litellm: {
            apiKey: reference('litellm'),
            baseUrl: 'http://litellm.internal:4000/v1',
            api: 'openai-completions',
            models: [{ id: 'fast', name: 'fast' }],
          },
        },
      },
      agents: { defaults: { model: { primary: 'anthropic/claude-opus-5', fallbacks: ['litellm/fast'] } } },
    });
    expect(keysText({ anthropic: new Secret('sk-1'), litellm: new Secret('sk-2') })).toBe(
      '{"anthropic":"sk-1","litellm":"sk-2"}\n',
    );
  });

  test('leave a config without them as it was, to the letter', () => {
    expect(JSON.stringify(owned())).toBe(JSON.stringify(owned(undefined)));
    expect(owned()).not.toHaveProperty('models');
    expect(owned(models)).toMatchObject({ ...owned(), agents: { defaults: { workspace: expect.any(String) } } });
    const theirs = {
      agents: { defaults: { model: 'openai/own' } },
      models: { providers: { openai: { apiKey: 'x' } } },
    };
    expect(cleared(text(theirs), written(), written())).toBe(JSON.stringify(theirs));
  });

  test('written again change nothing', () => {
    const once = overlayConfig(cleared('{}', written(), written(models)), owned(models));
    expect(holdsConfig(once, owned(models))).toBe(true);
    const twice = overlayConfig(cleared(once, written(models), written(models)), owned(models));
    expect(saysSame(once, twice)).toBe(true);
  });

  test('that a spec no longer names are gone, and what the customer added stays beside', () => {
    const theirs = {
      models: {
        mode: 'merge',
        providers: { ollama: { baseUrl: 'http://own:11434', models: [{ id: 'l', name: 'l' }] } },
      },
      secrets: { providers: { own: { source: 'env' } } },
      agents: { defaults: { timeoutSeconds: 600 } },
    };
    const without = turned(theirs, models, undefined);
    expect(without).toMatchObject(theirs);
    expect(JSON.stringify(without)).not.toMatch(/litellm|anthropic|creel/);
    expect(without['agents']).not.toHaveProperty('defaults.model');
    const next = turned(theirs, models, other);
    expect(next['models']).toEqual({
      mode: 'merge',
      providers: { ollama: theirs.models.providers.ollama, openai: { apiKey: reference('openai') } },
    });
    expect(next['agents']).toHaveProperty('defaults.model', { primary: 'openai/gpt-6' });
    expect(turned({}, models, undefined)).toEqual(turned({}, undefined, undefined));
  });

  test('leave a default that the customer has chosen since', () => {
    const once: JsonObject = JSON.parse(overlayConfig(cleared('{}', written(), written(models)), owned(models)));
    const chosen = { ...once, agents: { defaults: { model: { primary: 'ollama/l' } } } };
    const after: JsonObject = JSON.parse(cleared(text(chosen), written(models), written()) ?? '');
    expect(after['agents']).toEqual(chosen.agents);
  });

  test('take names away from an endpoint, and the endpoint from a provider', () => {
    const [, endpoint] = models.providers;
    const wide: Models = {
      ...other,
      providers: [...other.providers, { ...endpoint, id: 'x', models: ['fast', 'large'] }],
    };
    const small: Models = { ...wide, providers: [...other.providers, { ...endpoint, id: 'x', models: ['large'] }] };
    expect(turned({}, wide, small)).toEqual(turned({}, undefined, small));
    const proxied: Models = { ...other, providers: [{ ...endpoint, id: 'openai', models: ['gpt-6'] }] };
    expect(turned({}, proxied, other)).toEqual(turned({}, undefined, other));
  });
});

describe('a key of the customer’s own in the place of creel’s reference', () => {
  const around = { bridge: undefined, channels: [], models };
  const setUp = (): JsonObject => ({
    models: { providers: { anthropic: { apiKey: 'anthropic:manual' }, litellm: { apiKey: reference('litellm') } } },
    auth: { profiles: { 'anthropic:manual': { provider: 'anthropic', mode: 'api_key' } } },
  });

  test('is named and never shown, and no other drift is', () => {
    const pasted = { models: { providers: { anthropic: { apiKey: 'sk-ant-pasted' } } } };
    for (const config of [setUp(), pasted]) {
      const [found, ...more] = drift(config, around);
      expect(more).toEqual([]);
      expect(found).toMatchObject({ kind: 'noted', key: 'models.providers.anthropic.apiKey' });
      expect(found?.sentence).toMatch(/customer's own is in force for provider anthropic, and secret:a is not/);
      expect(found?.sentence).not.toMatch(/manual|pasted/);
    }
    expect(drift(setUp(), { bridge: undefined, channels: [] })).toEqual([]);
    expect(drift(owned(models), around)).toEqual([]);
  });

  test('stays in force where creel writes beside it, and goes where creel takes it back (S1-25)', () => {
    const beside = withOwnKeys(owned(models), customersKeys(setUp(), models));
    const next: JsonObject = JSON.parse(
      overlayConfig(cleared(text(setUp()), written(models), written(models)), beside),
    );
    expect(next).toHaveProperty('models.providers.anthropic.apiKey', 'anthropic:manual');
    expect(next).toHaveProperty('models.providers.litellm.apiKey', reference('litellm'));
    expect(next).toHaveProperty('auth', setUp()['auth']);
    const back: JsonObject = JSON.parse(
      overlayConfig(cleared(text(setUp()), written(models), written(models)), owned(models)),
    );
    expect(back).toHaveProperty('models.providers.anthropic.apiKey', reference('anthropic'));
  });

  test('stays when a spec drops the provider', () => {
    const after: JsonObject = JSON.parse(cleared(text(setUp()), written(models), written(other)) ?? '');
    expect(after['models']).toEqual({ providers: { anthropic: { apiKey: 'anthropic:manual' } } });
  });

  test('lies in another file: nothing is half-written', () => {
    for (const config of [{ models: { $include: './m.json5' } }, { agents: { defaults: { $include: './a.json5' } } }]) {
      expect(drift(config, around)[0]).toMatchObject({ kind: 'split' });
      expect(drift(config, { bridge: undefined, channels: [] })).toEqual([]);
    }
  });
});
