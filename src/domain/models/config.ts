import { at, isObject, objectAt, overlay, parseObject, withBlock, type Json, type JsonObject } from '../json.js';
import { tokenStore } from '../channels/tokens.js';
import { mergePatch, type MergePatch } from '../merge-patch.js';
import type { Secret } from '../secret.js';
import { isReferenceTo, referenceTo, secretFile, withoutSecretFile } from '../secret-files.js';
import type { Models } from './models.js';
import type { WrittenModels, WrittenProvider } from './written-models.js';
import type { Provider } from './provider.js';

/** Where the keys lie in the state: a file of the gateway's user alone, in a directory of that user alone. */
export const keysFile = 'secrets/model-keys.json';

/** The name under which a config knows that file. */
const store = 'creel';

/** The keys of a gateway's providers, by provider. */
export type ModelKeys = Readonly<Record<string, Secret>>;

/**
 * What creel owns of a config for its models: the providers with a reference instead of each key (S1-30), the file that
 * the references lead to, and the default. A provider's own block says how to speak to it, because a gateway's defaults
 * are another's.
 */
export function renderModels({ providers, default: primary, fallbacks }: Models, state: string): JsonObject {
  return {
    ...(providers.some(({ key }) => key !== undefined) && secretFile(store, `${state}/${keysFile}`)),
    models: { providers: Object.fromEntries(providers.map((each) => [each.id, providerBlock(each)])) },
    agents: { defaults: { model: { primary, ...(fallbacks.length > 0 && { fallbacks: [...fallbacks] }) } } },
  };
}

function providerBlock({ id, key, baseUrl, api, models = [] }: Provider): JsonObject {
  return {
    ...(key !== undefined && { apiKey: referenceTo(store, id) }),
    ...(baseUrl !== undefined &&
      api !== undefined && { baseUrl, api, models: models.map((name) => ({ id: name, name })) }),
  };
}

/** The file's text. Without a key it holds none. */
export function keysText(keys: ModelKeys): string {
  const plain = Object.entries(keys).map(([id, key]) => [id, key.reveal()]);
  return `${JSON.stringify(Object.fromEntries(plain))}\n`;
}

/**
 * A config without what creel wrote for models: the default, and of each provider what is not the customer's own. What
 * the next spec names is put in anew by whoever asks. A config for which creel never wrote models stays as it is.
 */
export function withoutModels(
  config: JsonObject,
  previous: readonly WrittenModels[],
  next: readonly WrittenModels[],
): JsonObject {
  if (previous.length === 0 && next.length === 0) return config;
  const known = [...previous, ...next].flatMap(({ providers }) => providers);
  const blocks = objectAt(config, ['models', 'providers']);
  const left = Object.entries(blocks).flatMap(([id, block]) => {
    const ours = known.filter((each) => each.id === id);
    const own = ours.length === 0 ? block : customersOwn(block, ours);
    return own === undefined ? [] : [[id, own] as const];
  });
  const bare = withBlock(config, ['models', 'providers'], Object.fromEntries(left));
  return withoutDefault(withoutSecretFile(bare, store), previous, next);
}

/** What is left of a provider's block without creel's part of it; undefined when a gateway could not read the rest. */
function customersOwn(block: Json, ours: readonly WrittenProvider[]): JsonObject | undefined {
  if (!isObject(block)) return undefined;
  const { apiKey, ...rest } = block;
  const isEndpoint = ours.some(({ baseUrl }) => baseUrl !== undefined);
  const { baseUrl: _url, api: _api, models: _models, ...beside } = rest;
  const own = {
    ...(isEndpoint ? beside : rest),
    ...(apiKey !== undefined && !isReferenceTo(store, apiKey) && { apiKey }),
  };
  return Object.keys(own).length > 0 && !isEndpoint ? own : undefined;
}

/** The default goes where the next spec brings another, or where it is still the one that creel wrote. */
function withoutDefault(
  config: JsonObject,
  previous: readonly WrittenModels[],
  next: readonly WrittenModels[],
): JsonObject {
  const found = at(config, ['agents', 'defaults', 'model']);
  const primary = isObject(found) ? found['primary'] : found;
  if (found === undefined || (next.length === 0 && !previous.some((each) => each.default === primary))) return config;
  const { agents } = config;
  const { model: _model, ...defaults } = objectAt(config, ['agents', 'defaults']);
  return { ...config, agents: { ...(isObject(agents) ? agents : {}), defaults } };
}

/** Keys that stand in the config itself, by provider. */
export type OwnKeys = Readonly<Record<string, Json>>;

/** What somebody has put in the place of creel's references, by provider. */
export function customersKeys(config: JsonObject, models: Models | undefined): OwnKeys {
  const theirs = (models?.providers ?? []).flatMap(({ id, key }) => {
    const found = keyIn(config, id);
    return key === undefined || found === undefined || isReferenceTo(store, found) ? [] : [[id, found] as const];
  });
  return Object.fromEntries(theirs);
}

/** What creel owns, with these keys in the place of its references: they are to stay in force. */
export function withOwnKeys(owned: JsonObject, keys: OwnKeys): JsonObject {
  const blocks = Object.entries(objectAt(owned, ['models', 'providers'])).map(([id, block]) => {
    const apiKey = keys[id];
    return [id, apiKey === undefined || !isObject(block) ? block : { ...block, apiKey }] as const;
  });
  return withBlock(owned, ['models', 'providers'], Object.fromEntries(blocks));
}

/** The patch that turns a config's models from previous specs' into those that creel owns; undefined when they do not differ. */
export function modelPatch(
  text: string | undefined,
  previous: readonly WrittenModels[],
  next: readonly WrittenModels[],
  owned: JsonObject,
): MergePatch | undefined {
  const config = parseObject(text) ?? {};
  const after = overlay(withoutModels(config, previous, next), ofModels(withoutSecretFile(owned, tokenStore)));
  return isObject(after) ? mergePatch(ofModels(config), ofModels(after)) : undefined;
}

/** The parts of a config that say who answers. A running gateway takes all of them up. */
export function ofModels(config: JsonObject): JsonObject {
  const model = at(config, ['agents', 'defaults', 'model']);
  return {
    ...(config['models'] !== undefined && { models: config['models'] }),
    ...(config['secrets'] !== undefined && { secrets: config['secrets'] }),
    agents: { defaults: { ...(model !== undefined && { model }) } },
  };
}

function keyIn(config: JsonObject, id: string): Json | undefined {
  return at(config, ['models', 'providers', id, 'apiKey']);
}
