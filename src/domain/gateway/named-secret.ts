import { wrongForm, writtenKey, type Channel } from '../channels/channel.js';
import { isKey, type Provider } from '../models/provider.js';
import type { Secret } from '../secret.js';
import type { GatewaySpec, SpecChange } from './spec.js';

/**
 * The change by which a gateway takes a stored secret up anew: the very channels or models that it has, those which
 * name it. Undefined where its spec does not.
 */
export function namedAnew(
  { channels, models }: GatewaySpec,
  name: string,
): Pick<SpecChange, 'channels' | 'models'> | undefined {
  const inChannels = channels.some((each) => keysOf(each, name).length > 0);
  const inModels = models?.providers.some((each) => isOf(each, name));
  if (!inChannels && !inModels) return undefined;
  return { ...(inChannels && { channels }), ...(models && inModels && { models }) };
}

/** A spec as far as it does not name a secret: to ask what else speaks against it. */
export function withoutNaming(spec: GatewaySpec, name: string): GatewaySpec {
  const { channels, models, ...rest } = spec;
  const others = models && { ...models, providers: models.providers.filter((each) => !isOf(each, name)) };
  return {
    ...rest,
    channels: channels.filter((each) => keysOf(each, name).length === 0),
    ...(others && { models: others }),
  };
}

/** Where a value cannot be what a spec takes it for, each with the form that it should have; never the value. */
export function formFaults({ channels, models }: GatewaySpec, name: string, value: Secret): string[] {
  const tokens = channels.flatMap((each) =>
    keysOf(each, name).flatMap((key) => {
      const expected = wrongForm(each.kind, key, value.reveal());
      return expected === undefined ? [] : [`channel ${each.kind}: no ${writtenKey(key)} (expected ${expected})`];
    }),
  );
  const keys = (models?.providers ?? []).filter((each) => isOf(each, name) && !isKey(value.reveal()));
  return [...tokens, ...keys.map(({ id }) => `provider ${id}: no key (it has spaces, line breaks or other letters)`)];
}

function keysOf({ secrets }: Channel, name: string): string[] {
  return Object.entries(secrets).flatMap(([key, reference]) => (reference === `secret:${name}` ? [key] : []));
}

function isOf({ key }: Provider, name: string): boolean {
  return key === `secret:${name}`;
}
