import { isObject, type Json } from '../json.js';
import type { Models } from './models.js';
import type { Provider } from './provider.js';

/** Models as a creel once wrote them into a config. What may be asked for by now is not held against them. */
export type WrittenModels = Omit<Models, 'providers'> & { readonly providers: readonly WrittenProvider[] };

export type WrittenProvider = Omit<Provider, 'api'> & { readonly api?: string };

const idForm = /^[a-z][a-z0-9-]{0,63}$/;

/** The models in a memory of what was written; undefined where nobody can have written them. */
export function writtenModels(raw: Json): WrittenModels | undefined {
  if (!isObject(raw)) return undefined;
  const { default: first, fallbacks, providers, proveTurn } = raw;
  if (typeof first !== 'string' || !Array.isArray(providers)) return undefined;
  return {
    default: first,
    fallbacks: textsOf(fallbacks) ?? [],
    providers: providers.flatMap((each) => writtenProvider(each) ?? []),
    ...(proveTurn === false && { proveTurn }),
  };
}

function writtenProvider(raw: Json): WrittenProvider | undefined {
  if (!isObject(raw)) return undefined;
  const { id, key, baseUrl, api } = raw;
  if (typeof id !== 'string' || !idForm.test(id)) return undefined;
  const models = textsOf(raw['models']);
  return {
    id,
    ...(typeof key === 'string' && { key }),
    ...(typeof baseUrl === 'string' && { baseUrl }),
    ...(typeof api === 'string' && { api }),
    ...(models && { models }),
  };
}

function textsOf(raw: Json | undefined): string[] | undefined {
  return Array.isArray(raw) ? raw.filter((each) => typeof each === 'string') : undefined;
}
