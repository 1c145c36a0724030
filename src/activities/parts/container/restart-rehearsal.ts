import type { Changing } from '../../../domain/gateway/changing.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { reconfigured, rehearsalName, type Reconfiguration } from '../../../domain/changes/reconfiguration.js';
import { rotated, type Rotation } from '../../../domain/changes/rotation.js';
import { replacementReadyMs } from '../../../domain/thresholds.js';
import { configText } from '../config/config.js';
import { containerOf } from './container.js';
import type { Deps } from '../../../world/deps.js';
import { clearRehearsal, livingState, rehearse } from '../../replace/rehearse-replacement.js';
import { wayOf } from '../../rotate/check-rotation.js';

/**
 * Rehearses the start with the next token, for a gateway that must be restarted to take it; one that reloads needs no
 * rehearsal.
 */
export async function ensureRotationRehearsal(deps: Deps, gateway: Changing<Rotation>): Promise<string | undefined> {
  if (!(await restarts(deps, gateway))) return undefined;
  const next = rotated(gateway);
  const label = `rotate-${next.tokenGeneration}`;
  return rehearse(deps, { next, label, source: livingState(gateway), previous: [], readyMs: replacementReadyMs });
}

/** Removes whatever is left of a rotation's rehearsal. */
export async function removeRotationRehearsal(deps: Deps, gateway: Gateway): Promise<void> {
  await clearRehearsal(deps, gateway);
}

/** Rehearses the start with other channels, likewise. */
export async function ensureChannelRehearsal(
  deps: Deps,
  gateway: Changing<Reconfiguration>,
): Promise<string | undefined> {
  if (!(await restarts(deps, gateway))) return undefined;
  return rehearse(deps, {
    next: reconfigured(gateway),
    label: rehearsalName(gateway.change, 'channels'),
    source: livingState(gateway),
    previous: gateway.spec.channels,
    readyMs: replacementReadyMs,
  });
}

/** Rehearses the start with other models, likewise. */
export async function ensureModelRehearsal(
  deps: Deps,
  gateway: Changing<Reconfiguration>,
): Promise<string | undefined> {
  return ensureChannelRehearsal(deps, gateway);
}

/** Removes whatever is left of the rehearsal of other models. */
export async function removeModelRehearsal(deps: Deps, gateway: Gateway): Promise<void> {
  await clearRehearsal(deps, gateway);
}

/** Removes whatever is left of the rehearsal of other channels. */
export async function removeChannelRehearsal(deps: Deps, gateway: Gateway): Promise<void> {
  await clearRehearsal(deps, gateway);
}

async function restarts(deps: Deps, gateway: Gateway): Promise<boolean> {
  const text = await configText(deps, gateway, await containerOf(deps, gateway));
  return (await wayOf(deps, gateway, text)) === 'restart';
}
