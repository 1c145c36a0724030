import type { GatewaySpec } from '../../../src/domain/gateway/spec.js';
import type { Models } from '../../../src/domain/models/models.js';
import {
  change,
  continuedAsNew,
  done,
  fail,
  held,
  hold,
  providerSays,
  provision,
  ready,
  settled,
  stored,
  upgrade,
} from '../recording/acts.js';
import type { GatewayScenarios } from '../recording/recorded-gateway.js';

const models: Models = {
  default: 'anthropic/claude-opus-5',
  fallbacks: [],
  providers: [{ id: 'anthropic', key: 'secret:model' }],
};
const wider: Models = {
  ...models,
  default: 'litellm/fast',
  providers: [
    ...models.providers,
    {
      id: 'litellm',
      key: 'secret:litellm',
      baseUrl: 'http://litellm.internal:4000/v1',
      api: 'openai-completions',
      models: ['fast'],
    },
  ],
};
const keyed = [stored('model', 'sk-one'), stored('litellm', 'sk-lite')];
const answers: Partial<GatewaySpec> = { models };
const configured: Partial<GatewaySpec> = { config: { logging: { level: 'info' } } };
const next = { config: { logging: { level: 'warn' }, tools: { deny: ['browser'] } } };

/** Gateways in whose spec a model stands, or a config. */
export const answering: GatewayScenarios = {
  answered: { limits: answers, asked: [...keyed, provision()], exported: settled },
  unanswered: {
    limits: answers,
    asked: [...keyed, providerSays('wrong key'), done(provision()), providerSays('answers')],
    exported: settled,
  },
  'answered-upgraded': { limits: answers, asked: [...keyed, ready, upgrade('2026.9.7')], exported: settled },
  'models-begun': { asked: [...keyed, ready, change('first', { models })], exported: settled },
  'models-changed': {
    limits: answers,
    asked: [...keyed, ready, change('wider', { models: wider })],
    exported: settled,
  },
  'models-changing': {
    limits: answers,
    asked: [...keyed, ready, hold('ensureModels', 'hold after'), change('wider', { models: wider })],
    exported: held('ensureModels'),
  },
  'models-went-back': {
    limits: answers,
    asked: [...keyed, ready, fail('probeModels'), change('wider', { models: wider })],
    exported: settled,
  },
  'models-taken': { limits: answers, asked: [...keyed, ready, change('none', { models: 'none' })], exported: settled },
  configured: { limits: configured, asked: [provision()], exported: settled },
  'config-changed': { limits: configured, asked: [ready, change('next', next)], exported: settled },
  'config-changing': {
    limits: configured,
    asked: [ready, hold('ensureExtras', 'hold after'), change('next', next)],
    exported: held('ensureExtras'),
  },
  'config-went-back': {
    limits: configured,
    asked: [ready, fail('findReconfigured'), change('next', next)],
    exported: settled,
  },
  'all-changed': {
    limits: { ...answers, ...configured },
    asked: [...keyed, ready, change('all', { ...next, models: wider, memoryMb: 4096 })],
    exported: settled,
  },
};

/** What such a record carries into its next run, and how it goes on there. */
export const carriedAnswers: GatewayScenarios = {
  'carried-answering': {
    limits: { ...answers, ...configured },
    asked: [...keyed, ready, done(change('wider', { models: wider })), done(continuedAsNew), change('next', next)],
    exported: settled,
  },
};
