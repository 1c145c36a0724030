import type { Changing } from '../domain/change.js';
import { channelPatch } from '../domain/channel-config.js';
import type { Channel } from '../domain/channels.js';
import { Refused } from '../domain/errors.js';
import type { GatewayRecord } from '../domain/gateway-record.js';
import type { Gateway } from '../domain/gateway.js';
import { reconfigured, type Reconfiguration } from '../domain/reconfiguration.js';
import { readinessMs } from '../domain/thresholds.js';
import { resolveChannels } from './channel-secrets.js';
import { findRunningChannels, probeChannels } from './channels.js';
import { configText } from './config.js';
import { insideWith, patchConfig } from './config-patch.js';
import { containerOf, ensureRestartPolicy } from './container.js';
import type { Deps } from './deps.js';
import { demandHost } from './host.js';
import { neverOver } from './never-over.js';
import { openSession } from './operator.js';
import { demandOwned } from './owned-config.js';
import { awaitReady, awaitReadyAgain } from './readiness.js';
import { findGateway } from './record.js';
import { restartWith } from './restart.js';
import { wayOf } from './rotatable.js';
import { bothWritten } from '../domain/written-config.js';
import { ownedOf, recall, remember } from './written-config.js';

/** Refuses other channels before anything is touched: the gateway serves, its image has the plugins, the secrets are stored. */
export const probeReconfigurable = (deps: Deps) =>
  async function probeReconfigurable(gateway: Changing<Reconfiguration>): Promise<string> {
    return neverOver(async () => {
      const id = gateway.mark.gateway;
      const container = await containerOf(deps, gateway);
      if (container.state !== 'running')
        throw new Refused(`gateway ${id} does not run. \`creel provision ${id}\` repairs it; nothing was touched`);
      const text = await configText(deps, gateway, container);
      await demandOwned(deps, gateway, text);
      (await openSession(deps, gateway)).close();
      await demandHost(deps, reconfigured(gateway));
      return `serving, channels applied by ${await wayOf(deps, gateway, text)}`;
    });
  };

/** The running gateway has the channels of the next spec, and nothing of what only the former one had put there. */
export const ensureChannels = (deps: Deps) =>
  async function ensureChannels(gateway: Changing<Reconfiguration>): Promise<string> {
    return neverOver(() => applyChannels(deps, reconfigured(gateway), gateway.spec.channels, awaitReady));
  };

/** The running gateway has the channels on record again, and serves creel's device from outside. */
export const restoreChannels = (deps: Deps) =>
  async function restoreChannels({ change, ...gateway }: Changing<Reconfiguration>): Promise<string> {
    const said = await applyChannels(deps, gateway, change.to.channels, awaitReadyAgain);
    (await openSession(deps, gateway)).close();
    return `${said}, proved serving`;
  };

/** Every channel of the next spec has connected, and one that is no longer in it does not run. */
export const probeReconfigured = (deps: Deps) =>
  async function probeReconfigured(gateway: Changing<Reconfiguration>): Promise<string> {
    return neverOver(async () => {
      const next = reconfigured(gateway);
      await probeChannels(deps)(next);
      const running = await findRunningChannels(deps, next);
      const kinds = next.spec.channels.map(({ kind }) => kind);
      const dropped = gateway.spec.channels.filter(({ kind }) => !kinds.includes(kind)).map(({ kind }) => kind);
      const left = dropped.filter((kind) => running.includes(kind));
      if (left.length > 0) throw new Refused(`channel ${left.join(', ')} still runs although it was taken out`);
      const off = dropped.length > 0 ? `; off: ${dropped.join(', ')}` : '';
      return `connected: ${kinds.join(', ') || 'none configured'}${off}`;
    });
  };

/** The gateway as it is now, read back by name and proved usable. */
export const findReconfigured = (deps: Deps) =>
  async function findReconfigured(gateway: Changing<Reconfiguration>): Promise<GatewayRecord> {
    return neverOver(async () => findGateway(deps)(reconfigured(gateway)));
  };

/** A gateway that has to be restarted for it is restarted once, however often this is asked, and then waited for. */
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
    const ask = insideWith(deps, to, deps.keys.token(to));
    await patchConfig(deps, to, ask, async () =>
      channelPatch(await configText(deps, to, container), [...before.channels, ...former], channels),
    );
    await remember(deps, to, container, written);
    await ensureRestartPolicy(deps)(to); // An earlier attempt may have started it.
    return `channels: ${kinds}, taken up while it runs`;
  }
  if (!isRunning || channelPatch(text, former, channels)) await restartWith(deps, to, container, former);
  await wait(deps, to, readinessMs);
  await ensureRestartPolicy(deps)(to);
  (await openSession(deps, to)).close();
  return `channels: ${kinds}, after a restart`;
}
