import type { ModelProvider } from '../../../src/dev/models/model-provider.js';
import type { Models } from '../../../src/domain/models/models.js';
import { ownAddress } from './own-address.js';

/** Opens a provider that stands in; how the spec of a gateway of this machine names its model, with the key `secret:own`. */
export async function standIn(provider: ModelProvider): Promise<Models> {
  const baseUrl = `http://${ownAddress()}:${await provider.open()}/v1`;
  const own = { id: 'own', key: 'secret:own', baseUrl, models: ['echo-1'] };
  return { default: 'own/echo-1', fallbacks: [], providers: [{ ...own, api: 'openai-completions' }] };
}

/** How the model that stands in answers what was said. */
export function repeating(text: string): string {
  return `${text}" is what you said.`;
}
