import type { Models } from './models.js';
import type { Provider } from './provider.js';

/** Where a provider listens. */
export type Endpoint = { readonly host: string; readonly port: number };

/** Where the providers listen whose address a gateway knows by itself. */
const official: Readonly<Record<string, string>> = {
  anthropic: 'https://api.anthropic.com',
  openai: 'https://api.openai.com',
  openrouter: 'https://openrouter.ai',
};

/** The provider of a model that is written `provider/model`; undefined when no table describes it. */
export function providerOf(model: string, { providers }: Models): Provider | undefined {
  return providers.find(({ id }) => model.startsWith(`${id}/`));
}

/** Where the models that may answer are asked, each place once. */
export function endpoints(models: Models): Endpoint[] {
  const asked = [models.default, ...models.fallbacks].map((model) => providerOf(model, models));
  const urls = asked.map((each) => each?.baseUrl ?? official[each?.id ?? '']);
  return [...new Set(urls.filter((url) => url !== undefined))].map(endpointOf);
}

function endpointOf(url: string): Endpoint {
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === 'http:' ? 80 : 443;
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? usual : Number(port) };
}
