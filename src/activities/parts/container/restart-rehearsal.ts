import type { Changing } from '../../../domain/gateway/changing.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { reconfigured, type Reconfiguration } from '../../../domain/changes/reconfiguration.js';
import { rotated, type Rotation } from '../../../domain/changes/rotation.js';
import { replacementReadyMs } from '../../../domain/thresholds.js';
import { configText } from '../config/config.js';
import { containerOf } from './container.js';
import type { Deps } from '../../../world/deps.js';
import { clearRehearsal, livingState, rehearse } from '../../replace/rehearse-replacement.js';
import { wayOf } from '../../rotate/check-rotation.js';

/** A gateway that has to be restarted for its next token would start with it; one that takes it up while it runs needs no start. */
export async function ensureRotationRehearsal(deps: Deps, gateway: Changing<Rotation>): Promise<string | undefined> {
  if (!(await restarts(deps, gateway))) return undefined;
  const next = rotated(gateway);
  const label = `rotate-${next.tokenGeneration}`;
  return rehearse(deps, { next, label, source: livingState(gateway), former: [], readyMs: replacementReadyMs });
}

/** Nothing of the rehearsal of a rotation is left. */
export async function removeRotationRehearsal(deps: Deps, gateway: Gateway): Promise<void> {
  await clearRehearsal(deps, gateway);
}

/** The same for other channels. */
export async function ensureChannelRehearsal(
  deps: Deps,
  gateway: Changing<Reconfiguration>,
): Promise<string | undefined> {
  if (!(await restarts(deps, gateway))) return undefined;
  return rehearse(deps, {
    next: reconfigured(gateway),
    label: 'channels',
    source: livingState(gateway),
    former: gateway.spec.channels,
    readyMs: replacementReadyMs,
  });
}

/** Nothing of the rehearsal of other channels is left. */
export async function removeChannelRehearsal(deps: Deps, gateway: Gateway): Promise<void> {
  await clearRehearsal(deps, gateway);
}

async function restarts(deps: Deps, gateway: Gateway): Promise<boolean> {
  const text = await configText(deps, gateway, await containerOf(deps, gateway));
  return (await wayOf(deps, gateway, text)) === 'restart';
}
