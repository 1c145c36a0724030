import type { Gateway } from '../../../domain/gateway/gateway.js';
import { insideWith } from '../door/inside.js';
import { patchConfig } from './patch.js';
import type { Deps } from '../../../world/deps.js';

/** Switches every channel of a running gateway on or off, from inside; false when it has none. */
export async function switchChannels(deps: Deps, gateway: Gateway, enabled: boolean): Promise<boolean> {
  const { spec } = gateway;
  if (spec.channels.length === 0) return false;
  const raw = JSON.stringify({ channels: Object.fromEntries(spec.channels.map(({ kind }) => [kind, { enabled }])) });
  const control = insideWith(deps, gateway, deps.keys.token(gateway));
  await patchConfig(deps, gateway, control, async () => ({ raw }));
  return true;
}
