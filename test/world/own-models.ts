import type { Models } from '../../src/domain/models/models.js';

/** Models behind an endpoint of a gateway's host, whose key is stored as `own`. */
export const ownModels: Models = {
  default: 'own/echo-1',
  fallbacks: [],
  providers: [
    { id: 'own', key: 'secret:own', baseUrl: 'http://models:4000/v1', api: 'openai-completions', models: ['echo-1'] },
  ],
};
