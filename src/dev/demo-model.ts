import { randomBytes } from 'node:crypto';
import { Refused } from '../domain/errors.js';
import type { Models } from '../domain/models/models.js';
import { Secret } from '../domain/secret.js';
import type { DockerEngine } from '../ports/docker-engine.js';
import type { SecretStore } from '../ports/secret-store.js';
import { rememberedModel, rememberModel, type DemoHome } from './demo-home.js';
import { ModelProvider } from './models/model-provider.js';
import { addresses, listen } from './models/reach.js';

/** Whose model the demo's gateway has. */
export type DemoModel = 'stand-in' | 'anthropic';

/** What a gateway of the demo gets for its models, and what a person is told of them. */
export type ProvidedModel = { readonly models: Models | undefined; readonly said: string };

/** A machine of Lightsail reaches no model that stands in on this one. */
export const noModelThere: ProvidedModel = {
  models: undefined,
  said: 'none: the one that stands in here is not reached from a bought machine. `--model anthropic` gives it one',
};

const anthropicModel = 'anthropic/claude-opus-5';
const standIn = 'echo-1';

/** The model that a person asked for by `--model`, or `Refused`. */
export function demoModel(asked: string | undefined, env: NodeJS.ProcessEnv): DemoModel {
  if (asked === undefined || asked === 'stand-in') return 'stand-in';
  if (asked !== 'anthropic')
    throw new Refused(`--model is ${JSON.stringify(asked)}: it must be "stand-in" or "anthropic"`);
  if ((env['ANTHROPIC_API_KEY'] ?? '') === '')
    throw new Refused('--model anthropic wants a key in ANTHROPIC_API_KEY, and there is none');
  return asked;
}

/**
 * The model of a person's own account, by the key in the environment. It is kept where the demo keeps its secrets, and
 * goes into the gateway's state alone.
 */
export async function provideAnthropic(secrets: SecretStore, env: NodeJS.ProcessEnv): Promise<ProvidedModel> {
  await secrets.write('demo-anthropic', new Secret(env['ANTHROPIC_API_KEY'] ?? ''));
  const models: Models = {
    default: anthropicModel,
    fallbacks: [],
    providers: [{ id: 'anthropic', key: 'secret:demo-anthropic' }],
  };
  const leaves = `what you write to gateway demo, and what its agent reads, goes to api.anthropic.com at your cost`;
  return { models, said: `${anthropicModel}. Leaves this machine: ${leaves}; creel itself writes one short sentence` };
}

/**
 * A model on this machine that repeats what it is told, on one address at which containers find it and, where the
 * machine has one, nobody else. No turn is tried, because the first one of a gateway takes it seconds.
 */
export async function provideStandIn(
  home: DemoHome,
  engine: DockerEngine,
  secrets: SecretStore,
): Promise<ProvidedModel> {
  const before = rememberedModel(home);
  const key = before?.key ?? `sk-demo-${randomBytes(18).toString('base64url')}`;
  const provider = new ModelProvider(key, [standIn]);
  const listening = await listen(provider, before?.port ?? 0, await addresses(engine));
  if (!listening)
    return { models: undefined, said: 'none: no address of this machine can be reached from a container' };
  rememberModel(home, { port: listening.port, key });
  await secrets.write('demo-model', new Secret(key));
  const baseUrl = `http://${listening.address}:${listening.port}/v1`;
  const own = { id: 'demo', key: 'secret:demo-model', baseUrl, api: 'openai-completions', models: [standIn] } as const;
  const models: Models = { default: `demo/${standIn}`, fallbacks: [], providers: [own], proveTurn: false };
  return {
    models,
    said: `demo/${standIn}, which stands in for a real one on this machine and repeats what it is told`,
  };
}
