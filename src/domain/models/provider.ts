import { Refused } from '../errors.js';
import { isReference } from '../secret-name.js';
import { modelNameLength, providerUrlLength } from '../thresholds.js';

/** Who answers a gateway: where its key lies, and for an endpoint of one's own how to speak to it. */
export type Provider = {
  readonly id: string;
  /** The reference of its key, for example `secret:anthropic-key`. */
  readonly key?: string;
  /** An endpoint of one's own (a proxy of the host, LiteLLM); the provider's own when absent. */
  readonly baseUrl?: string;
  /** How that endpoint is spoken to; there whenever `baseUrl` is. */
  readonly api?: Api;
  /** The models of that endpoint; there whenever `baseUrl` is. */
  readonly models?: readonly string[];
};

const apis = ['openai-completions', 'openai-responses', 'anthropic-messages'] as const;

type Api = (typeof apis)[number];

/** The providers whose own endpoint and models a gateway knows by itself. */
const official = ['anthropic', 'openai', 'openrouter'] as const;

const known = new Set(['id', 'key', 'baseUrl', 'api', 'models']);
const idForm = /^[a-z][a-z0-9-]{0,31}$/;
const modelForm = /^[A-Za-z0-9][A-Za-z0-9._:@/+-]*$/;

/** A provider as it arrives over the wire, or `Refused`. No value of a key or an address is echoed. */
export function provider(raw: unknown): Provider {
  const given = (raw ?? {}) as Record<string, unknown>;
  const id = providerId(given['id']);
  const odd = Object.keys(given).filter((key) => !known.has(key));
  if (odd.length > 0) throw new Refused(`provider ${id} has unknown fields: ${odd.join(', ')}`);
  const key = keyOf(id, given['key']);
  if (given['baseUrl'] !== undefined)
    return { id, ...key, ...endpoint(id, given['baseUrl'], given['api'], given['models']) };
  if (!official.some((each) => each === id))
    throw new Refused(
      `provider ${id} needs base_url and names: a gateway knows the endpoints of ${official.join(', ')} only`,
    );
  if (given['api'] !== undefined || given['models'] !== undefined)
    throw new Refused(`provider ${id}: api and names belong to a base_url, and it has none. Leave them out`);
  if (!key.key)
    throw new Refused(
      `provider ${id} needs key = "secret:NAME" (store it with \`creel secret set NAME\`), or a base_url of its own`,
    );
  return { id, ...key };
}

/** The name of a model without its provider, or `Refused`. */
export function modelName(id: string, raw: unknown): string {
  if (typeof raw === 'string' && raw.length <= modelNameLength && modelForm.test(raw)) return raw;
  throw new Refused(
    `provider ${id}: the name of a model must have 1 to ${modelNameLength} of letters, digits and . _ : @ / + -, and begin with a letter or digit. For example: claude-opus-5`,
  );
}

/** The name of a provider, or `Refused`. */
export function providerId(raw: unknown): string {
  if (typeof raw === 'string' && idForm.test(raw)) return raw;
  throw new Refused('provider must be 1 to 32 of a-z, 0-9 and "-", starting with a letter. For example: anthropic');
}

/** Whether this can be a key: it goes into a header, so it is visible letters without spaces. */
export function isKey(value: string): boolean {
  return /^[\x21-\x7e]+$/.test(value);
}

function keyOf(id: string, raw: unknown): Pick<Provider, 'key'> {
  if (raw === undefined) return {};
  if (isReference(raw)) return { key: raw };
  throw new Refused(
    `provider ${id}: key must be a reference "secret:NAME", not the value itself. Store it with \`creel secret set NAME\``,
  );
}

function endpoint(id: string, url: unknown, api: unknown, names: unknown) {
  if (!Array.isArray(names) || names.length === 0)
    throw new Refused(`provider ${id}: a base_url needs names, the models that are asked for there`);
  const models = names.map((name) => modelName(id, name));
  if (new Set(models).size !== models.length) throw new Refused(`provider ${id} names one model twice`);
  return { baseUrl: baseUrl(id, url), api: apiOf(id, api), models };
}

/** An id says nothing of the language at an endpoint: a gateway takes chat completions for all that name none, also for anthropic. */
function apiOf(id: string, raw: unknown): Api {
  if (raw === undefined) return id === 'anthropic' ? 'anthropic-messages' : 'openai-completions';
  const found = apis.find((each) => each === raw);
  if (found !== undefined) return found;
  throw new Refused(`provider ${id}: api must be one of ${apis.join(', ')}`);
}

function baseUrl(id: string, raw: unknown): string {
  const url = typeof raw === 'string' && raw.length <= providerUrlLength ? parseUrl(raw) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw new Refused(
      `provider ${id}: base_url must be an address with http:// or https:// of at most ${providerUrlLength} characters. For example: http://litellm.internal:4000/v1`,
    );
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new Refused(
      `provider ${id}: base_url must hold no user, password or parameters: everybody may read it. A key goes into key = "secret:NAME"`,
    );
  return url.href.replace(/\/$/, '');
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
