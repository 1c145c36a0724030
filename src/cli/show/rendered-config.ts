import { renderConfig } from '../../domain/gateway/config.js';
import type { GatewaySpec } from '../../domain/gateway/spec.js';
import type { JsonObject } from '../../domain/json.js';
import { Secret } from '../../domain/secret.js';

/** What creel writes into `openclaw.json` for a spec, with a placeholder for every secret (S1-31). */
export function renderedConfig({ release, channels, models, config }: GatewaySpec, port: number): JsonObject {
  return renderConfig({
    release,
    token: new Secret('[secret]'),
    port,
    channels: channels.map(withoutSecrets),
    models,
    config,
  });
}

function withoutSecrets(channel: GatewaySpec['channels'][number]) {
  const secrets = Object.entries(channel.secrets).map(
    ([key, reference]) => [key, new Secret(`[${reference}]`)] as const,
  );
  return { channel, secrets: Object.fromEntries(secrets) };
}
