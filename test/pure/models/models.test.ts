import { describe, expect, test } from 'vitest';
import { changedSpec, gatewaySpec, sameSpec, type GatewaySpec } from '../../../src/domain/gateway/spec.js';
import { modelsText, type Models } from '../../../src/domain/models/models.js';
import type { Provider } from '../../../src/domain/models/provider.js';
import { draftFromToml, specFrom, specOver } from '../../../src/settings/spec.js';
import { refusal } from '../refusal.js';
import { testSpec } from '../../world/open-test-world.js';

const pasted = 'sk-ant-api03-Secret';
const anthropic: Provider = { id: 'anthropic', key: 'secret:anthropic-key' };
const proxy: Provider = {
  id: 'litellm',
  key: 'secret:proxy-key',
  baseUrl: 'http://litellm.internal:4000/v1',
  api: 'openai-completions',
  models: ['fast', 'org/large:free'],
};
const models: Models = {
  default: 'anthropic/claude-opus-5',
  fallbacks: ['litellm/org/large:free'],
  providers: [anthropic, proxy],
};
const bare: GatewaySpec = { ...testSpec, dev: false, cpus: 2 };

const withProvider = (given: object, name = 'litellm/fast') => ({
  ...bare,
  models: { default: name, fallbacks: [], providers: [given] },
});

describe('the models of a spec', () => {
  test('are taken as given, lose nothing on the wire, and make another spec', () => {
    expect(gatewaySpec({ ...bare, models }).models).toEqual(models);
    expect(gatewaySpec(JSON.parse(JSON.stringify({ ...bare, models })))).toEqual({ ...bare, models });
    expect(sameSpec(bare, { ...bare, models })).toBe(false);
    expect(modelsText(models)).toBe(
      'model = "anthropic/claude-opus-5", fallbacks = ["litellm/org/large:free"], anthropic (key = "secret:anthropic-key"), litellm (key = "secret:proxy-key", base_url = "http://litellm.internal:4000/v1", api = "openai-completions", 2 names)',
    );
  });

  test('are absent where nobody asks for them, and a change takes them away by "none"', () => {
    expect(gatewaySpec(bare)).not.toHaveProperty('models');
    expect(changedSpec(bare, { models }).models).toEqual(models);
    expect(changedSpec({ ...bare, models }, { models: 'none' })).toEqual(bare);
    expect(changedSpec({ ...bare, models }, { cpus: 4 }).models).toEqual(models);
    expect(modelsText(undefined)).toBe('none');
  });

  test('prove themselves by a turn unless that is said not to be wanted', () => {
    expect(gatewaySpec({ ...bare, models: { ...models, proveTurn: true } }).models).toEqual(models);
    expect(gatewaySpec({ ...bare, models: { ...models, proveTurn: false } }).models?.proveTurn).toBe(false);
  });

  test('speak to an own endpoint in its own language: a gateway takes chat completions even for anthropic', () => {
    const apiOf = (given: object, name?: string) => gatewaySpec(withProvider(given, name)).models?.providers[0]?.api;
    const { api: _none, ...plain } = proxy;
    expect(apiOf(plain)).toBe('openai-completions');
    expect(apiOf({ ...plain, id: 'anthropic' }, 'anthropic/fast')).toBe('anthropic-messages');
    expect(apiOf({ ...plain, api: 'openai-responses' })).toBe('openai-responses');
  });

  test.each<[string, object, string]>([
    ['without a name', {}, 'provider must be 1 to 32'],
    ['of a name that no config takes', { ...proxy, id: 'Lite LLM' }, 'provider must be 1 to 32'],
    [
      'that a gateway does not know, without an address',
      { id: 'litellm', key: 'secret:k' },
      'needs base_url and names',
    ],
    ['without a key, with no address of its own', { id: 'anthropic' }, 'needs key = "secret:NAME"'],
    ['with an address and no names', { ...proxy, models: [] }, 'needs names'],
    ['with names and no address', { ...anthropic, models: ['x'] }, 'belong to a base_url'],
    ['with a name twice', { ...proxy, models: ['fast', 'fast'] }, 'names one model twice'],
    ['with a name that is none', { ...proxy, models: ['a b'] }, 'the name of a model must have'],
    ['with a language that there is not', { ...proxy, api: 'grpc' }, 'api must be one of'],
    ['with an address that is none', { ...proxy, baseUrl: 'litellm' }, 'base_url must be an address'],
    ['with an address of another kind', { ...proxy, baseUrl: 'file:///etc/passwd' }, 'base_url must be an address'],
    ['with an address without end', { ...proxy, baseUrl: `http://h/${'p'.repeat(200)}` }, 'at most 200 characters'],
    ['with a user in its address', { ...proxy, baseUrl: `https://u:${pasted}@host/v1` }, 'no user, password or'],
    ['with a key in its address', { ...proxy, baseUrl: `https://host/v1?key=${pasted}` }, 'no user, password or'],
    ['with a pasted key', { ...proxy, key: pasted }, 'must be a reference "secret:NAME", not the value itself'],
    ['with a pasted key for its name', { ...proxy, id: `${pasted}-${pasted}` }, 'provider must be'],
    ['with a field that there is not', { ...proxy, apiKey: pasted }, 'unknown fields: apiKey'],
  ])('refuse a provider %s, and echo no key', (_what, given, why) => {
    const said = refusal(() => gatewaySpec(withProvider(given)));
    expect(said).toContain(why);
    expect(said).not.toContain(pasted);
  });

  test.each<[string, object, string]>([
    ['no default', { default: undefined }, 'model must name a model as "provider/model"'],
    ['a default without a provider', { default: 'claude-opus-5' }, 'model must name a model as "provider/model"'],
    [
      'an unknown provider',
      { default: 'openai/gpt' },
      'which no [[models]] table describes: there is anthropic, litellm',
    ],
    ['a model that its endpoint does not have', { default: 'litellm/slow' }, 'not among the names of provider litellm'],
    ['an unknown fallback', { fallbacks: ['openai/gpt'] }, 'fallbacks names provider openai'],
    ['no list of fallbacks', { fallbacks: 'litellm/fast' }, 'fallbacks must be a list'],
    ['a provider twice', { providers: [anthropic, anthropic] }, 'names one provider twice'],
    [
      'more than a record has room for',
      { providers: [anthropic, { ...proxy, models: Array.from({ length: 200 }, (_, index) => `name-${index}`) }] },
      'bytes in all: 1536 at most',
    ],
    ['another word', { proveTurn: 'no' }, 'prove_turn must be true or false'],
    ['an unknown field', { primary: 'x' }, 'unknown fields: primary'],
  ])('refuse %s', (_what, given, why) => {
    expect(refusal(() => gatewaySpec({ ...bare, models: { ...models, ...given } }))).toContain(why);
  });
});

describe('models as people write them', () => {
  const text = `
release = "2026.9.6"
model = "anthropic/claude-opus-5"
fallbacks = ["litellm/org/large:free"]

[[models]]
provider = "anthropic"
key = "secret:anthropic-key"

[[models]]
provider = "litellm"
key = "secret:proxy-key"
base_url = "http://litellm.internal:4000/v1/"
names = ["fast", "org/large:free"]
`;
  const specOf = (toml: string) => specFrom(draftFromToml(toml, 'gateway.toml'));

  test('are those of the spec', () => {
    expect(specOf(text).models).toEqual(models);
    expect(specOf(`prove_turn = false\n${text}`).models).toEqual({ ...models, proveTurn: false });
    expect(specOf('release = "2026.9.6"')).not.toHaveProperty('models');
  });

  test('over a gateway that lives stay where a file says nothing of them, and go as one', () => {
    const has = specOf(text);
    expect(specOver(has, { cpus: 4 }).models).toEqual(models);
    expect(specOver(has, { models: [] })).not.toHaveProperty('models');
    expect(refusal(() => specOver(has, { model: 'anthropic/x' }))).toContain('which no [[models]] table describes');
  });

  test.each<[string, string]>([
    ['[[models]]\nprovider = "anthropic"\nkey = "secret:a"', 'model must name a model as "provider/model"'],
    ['model = 5', 'gateway.toml, line 2: model must be "provider/model"'],
    ['model = "a/b"\nmodels = "anthropic"', 'gateway.toml, line 3: models must be written as [[models]] tables'],
    [
      'model = "a/b"\n[[models]]\nkey = "secret:a"',
      'gateway.toml, line 3: models[0].provider must be a name in quotes',
    ],
    [
      `model = "a/b"\n[[models]]\nprovider = "a"\nkey = ["${pasted}"]`,
      'gateway.toml, line 5: models[0].key must be "secret:NAME"',
    ],
    [
      `model = "a/b"\n[[models]]\nprovider = "a"\napi_key = "${pasted}"`,
      'models[0] has unknown api_key. It takes: provider, key, base_url, api, names',
    ],
    [`model = "anthropic/b"\n[[models]]\nprovider = "anthropic"\nkey = "${pasted}"`, 'not the value itself'],
    [`model = "anthropic/b"\n[[models]]\nprovider = "anthropic"\nkey = ${pasted}`, 'this is not TOML'],
  ])('are refused as %j with their place, and echo no key', (line, why) => {
    const said = refusal(() => specOf(`release = "2026.9.6"\n${line}`));
    expect(said).toContain(why);
    expect(said).not.toContain(pasted);
  });
});
