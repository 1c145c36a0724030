import { jsonBytes } from '../cut.js';
import { Refused } from '../errors.js';
import { modelsBytes } from '../thresholds.js';
import { modelName, provider, providerId, type Provider } from './provider.js';

/** Which model answers whoever talks to a gateway, and whose keys pay for it. A gateway without answers nobody. */
export type Models = {
  /** As `provider/model`. */
  readonly default: string;
  /** What is asked instead, in order, while the default does not answer. */
  readonly fallbacks: readonly string[];
  readonly providers: readonly Provider[];
  /** No turn is tried after a change: each costs its customer something. */
  readonly proveTurn?: false;
};

const known = new Set(['default', 'fallbacks', 'providers', 'proveTurn']);

/** The models of a spec as they arrive over the wire, or `Refused`. */
export function modelsOf(raw: unknown): Models {
  if (typeof raw !== 'object' || raw === null) throw new Refused('spec models is not an object');
  const given = raw as Record<string, unknown>;
  const odd = Object.keys(given).filter((key) => !known.has(key));
  if (odd.length > 0) throw new Refused(`spec models has unknown fields: ${odd.join(', ')}`);
  const bytes = jsonBytes(raw);
  if (bytes > modelsBytes)
    throw new Refused(
      `the models take ${bytes} bytes in all: ${modelsBytes} at most. Name fewer providers, names or fallbacks`,
    );
  const providers = list('models', given['providers']).map(provider);
  const ids = providers.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) throw new Refused('models names one provider twice');
  const fallbacks = list('fallbacks', given['fallbacks']).map((each) => choice('fallbacks', each, providers));
  return {
    default: choice('model', given['default'], providers),
    fallbacks,
    providers,
    ...proveTurnOf(given['proveTurn']),
  };
}

/** Which model answers whoever talks to a gateway, and what is asked while it does not, for people. */
export function whoAnswers({ default: first, fallbacks }: Models): string {
  return [first, ...fallbacks].join(', else ');
}

/** The models of a spec in one line, as `gateway.toml` names them. */
export function modelsText(models: Models | undefined): string {
  if (!models) return 'none';
  const { default: first, fallbacks, providers, proveTurn } = models;
  return [
    `model = ${JSON.stringify(first)}`,
    ...(fallbacks.length > 0 ? [`fallbacks = ${JSON.stringify(fallbacks)}`] : []),
    ...(proveTurn === false ? ['prove_turn = false'] : []),
    ...providers.map(providerText),
  ].join(', ');
}

/** The providers of a spec, each with where its key lies, as `gateway.toml` names them. */
export function providersText({ providers }: Models): string {
  return providers.map(providerText).join(', ');
}

function providerText({ id, key, baseUrl, api, models = [] }: Provider): string {
  const parts = [
    ...(key === undefined ? [] : [`key = ${JSON.stringify(key)}`]),
    ...(baseUrl === undefined ? [] : [`base_url = ${JSON.stringify(baseUrl)}`, `api = ${JSON.stringify(api)}`]),
    ...(models.length > 0 ? [`${models.length} names`] : []),
  ];
  return `${id} (${parts.join(', ')})`;
}

function proveTurnOf(raw: unknown): Pick<Models, 'proveTurn'> {
  if (raw === undefined || raw === true) return {};
  if (raw === false) return { proveTurn: raw };
  throw new Refused('prove_turn must be true or false');
}

function list(field: string, raw: unknown): unknown[] {
  if (Array.isArray(raw)) return raw;
  throw new Refused(`${field} must be a list`);
}

/** A model that one of the providers has, written `provider/model`. */
function choice(field: string, raw: unknown, providers: readonly Provider[]): string {
  if (typeof raw !== 'string' || !raw.includes('/'))
    throw new Refused(`${field} must name a model as "provider/model". For example: anthropic/claude-opus-5`);
  const id = providerId(raw.slice(0, raw.indexOf('/')));
  const name = modelName(id, raw.slice(id.length + 1));
  const found = providers.find((each) => each.id === id);
  if (!found)
    throw new Refused(
      `${field} names provider ${id}, which no [[models]] table describes${providers.length > 0 ? `: there is ${providers.map((each) => each.id).join(', ')}` : ''}`,
    );
  if (found.models && !found.models.includes(name))
    throw new Refused(`${field} names ${JSON.stringify(raw)}, which is not among the names of provider ${id}`);
  return raw;
}
