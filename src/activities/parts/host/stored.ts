import { checkToken } from '../../../domain/channels/channel.js';
import { demandTimezone } from '../../../domain/environment/timezone.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { Deps } from '../../../world/deps.js';
import { resolveChannels } from '../config/channel-secrets.js';
import { demandNoSecrets } from '../config/extras.js';
import { resolveKeys } from '../config/model-keys.js';
import { storedSecrets } from '../door/known-secrets.js';

/**
 * All that the stored secrets and the worker itself may refuse of a spec, each by itself: a step throws the first, and
 * what is foreseen names every one. No engine or gateway is asked, and nothing is noted.
 */
export function storedChecks(deps: Deps, gateway: Gateway): readonly (() => Promise<void>)[] {
  const { spec } = gateway;
  const { channels, models, timezone } = spec;
  const providers = models ? models.providers.map((each) => ({ ...models, providers: [each] })) : [];
  return [
    ...channels.map((each) => () => demandTokens(deps, { ...gateway, spec: { ...spec, channels: [each] } })),
    ...providers.map((each) => async () => {
      await resolveKeys(deps, { ...gateway, spec: { ...spec, models: each } });
    }),
    async () => demandNoSecrets(gateway, await storedSecrets(deps, gateway)),
    async () => (timezone === undefined ? undefined : demandTimezone(timezone)),
  ];
}

/** The tokens of its channels are stored, each in the form of its kind, or `Refused`. */
async function demandTokens(deps: Deps, gateway: Gateway): Promise<void> {
  for (const { channel, secrets } of await resolveChannels(deps, gateway))
    for (const [key, secret] of Object.entries(secrets)) checkToken(channel.kind, key, secret.reveal());
}
