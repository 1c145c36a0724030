import { renderConfig } from '../../domain/gateway/config.js';
import type { GatewaySpec } from '../../domain/gateway/spec.js';
import type { JsonObject } from '../../domain/json.js';
import { Secret } from '../../domain/secret.js';

/** What creel writes into `openclaw.json` for a spec, with a placeholder for its token; every other secret is a reference anyhow (S1-31). */
export function renderedConfig({ release, channels, models, config }: GatewaySpec, port: number): JsonObject {
  return renderConfig({
    release,
    token: new Secret('[secret]'),
    port,
    channels,
    models,
    config,
  });
}
