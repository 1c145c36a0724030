import type { Changing } from '../../domain/gateway/changing.js';
import { channelPatch } from '../../domain/channels/config.js';
import type { Channel } from '../../domain/channels/channel.js';
import { Refused } from '../../domain/errors.js';
import type { GatewayRecord } from '../../domain/gateway/reading.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { reconfigured, type Reconfiguration } from '../../domain/changes/reconfiguration.js';
import { readinessMs } from '../../domain/thresholds.js';
import { resolveChannels } from '../parts/config/channel-secrets.js';
import { findRunningChannels, probeChannels } from '../parts/door/channels.js';
import { configText } from '../parts/config/config.js';
import { patchConfig } from '../parts/config/patch.js';
import { insideWith } from '../parts/door/inside.js';
import { containerOf, ensureRestartPolicy } from '../parts/container/container.js';
import type { Deps } from '../../world/deps.js';
import { demandHost } from '../parts/host/host.js';
import { openSession } from '../parts/door/operator.js';
import { demandOwned } from '../parts/config/owned.js';
import { awaitReady, awaitReadyAgain } from '../parts/container/readiness.js';
import { findGateway } from '../parts/reading.js';
import { restartWith } from '../parts/container/restart.js';
import { wayOf } from '../rotate/check-rotation.js';
import { bothWritten } from '../../domain/gateway/written-config.js';
import { ownedOf, recall, remember } from '../parts/config/written.js';

/**
 * Refuses other channels before anything is touched: the gateway serves, its image has the plugins, the secrets are
 * stored.
 */
export async function probeReconfigurable(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  const id = gateway.mark.gateway;
  const container = await containerOf(deps, gateway);
  if (container.state !== 'running')
    throw new Refused(`gateway ${id} does not run. \`creel provision ${id}\` repairs it; nothing was touched`);
  const text = await configText(deps, gateway, container);
  await demandOwned(deps, gateway, text);
  (await openSession(deps, gateway)).close();
  await demandHost(deps, reconfigured(gateway));
  return `serving, channels applied by ${await wayOf(deps, gateway, text)}`;
}

/** The running gateway has the channels of the next spec, and nothing of what creel wrote for former ones. */
export async function ensureChannels(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  return applyChannels(deps, reconfigured(gateway), gateway.spec.channels, awaitReady);
}

/** The running gateway has the channels on record again, and serves creel's device from outside. */
export async function restoreChannels(deps: Deps, { change, ...gateway }: Changing<Reconfiguration>): Promise<string> {
  const said = await applyChannels(deps, gateway, change.to.channels, awaitReadyAgain);
  (await openSession(deps, gateway)).close();
  return `${said}, proved serving`;
}

/** Every channel of the next spec has connected, and none runs that the spec no longer has. */
export async function probeReconfigured(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  const next = reconfigured(gateway);
  await probeChannels(deps, next);
  const running = await findRunningChannels(deps, next);
  const kinds = next.spec.channels.map(({ kind }) => kind);
  const dropped = gateway.spec.channels.filter(({ kind }) => !kinds.includes(kind)).map(({ kind }) => kind);
  const left = dropped.filter((kind) => running.includes(kind));
  if (left.length > 0) throw new Refused(`channel ${left.join(', ')} still runs although it was taken out`);
  const off = dropped.length > 0 ? `; off: ${dropped.join(', ')}` : '';
  return `connected: ${kinds.join(', ') || 'none configured'}${off}`;
}

/** The gateway as it is now, read back by name and proved usable. */
export async function findReconfigured(deps: Deps, gateway: Changing<Reconfiguration>): Promise<GatewayRecord> {
  return findGateway(deps, reconfigured(gateway));
}

/** A gateway that must be restarted for this is restarted once, however often it is repeated, and then awaited. */
async function applyChannels(
  deps: Deps,
  to: Gateway,
  former: readonly Channel[],
  wait: typeof awaitReady,
): Promise<string> {
  const container = await containerOf(deps, to);
  const isRunning = container.state === 'running';
  const text = await configText(deps, to, container);
  const kinds = to.spec.channels.map(({ kind }) => kind).join(', ') || 'none';
  const channels = await resolveChannels(deps, to);
  if (isRunning && (await wayOf(deps, to, text)) === 'reload') {
    const { written } = await ownedOf(deps, to);
    const before = await recall(deps, to, container);
    await remember(deps, to, container, bothWritten(before, written));
    const control = insideWith(deps, to, deps.keys.token(to));
    await patchConfig(deps, to, control, async () =>
      channelPatch(await configText(deps, to, container), [...before.channels, ...former], channels),
    );
    await remember(deps, to, container, written);
    await ensureRestartPolicy(deps, to); // An earlier attempt may have restarted it.
    return `channels: ${kinds}, taken up while it runs`;
  }
  if (!isRunning || channelPatch(text, former, channels)) await restartWith(deps, to, container, { former });
  await wait(deps, to, readinessMs);
  await ensureRestartPolicy(deps, to);
  (await openSession(deps, to)).close();
  return `channels: ${kinds}, after a restart`;
}
