import type { Changing } from '../../domain/gateway/changing.js';
import { channelPatch } from '../../domain/channels/config.js';
import type { Channel } from '../../domain/channels/channel.js';
import { tokensFile } from '../../domain/channels/tokens.js';
import { Refused } from '../../domain/errors.js';
import { stateDirectory } from '../../domain/gateway/config.js';
import { secretsText } from '../../domain/secret-files.js';
import type { GatewayRecord } from '../../domain/gateway/reading.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { reconfigured, type Reconfiguration } from '../../domain/changes/reconfiguration.js';
import { readinessMs } from '../../domain/thresholds.js';
import { readTokens, storedTokens } from '../parts/config/channel-tokens.js';
import { holdsSecrets, writeSecrets, type SecretFile } from '../parts/config/secret-file.js';
import { readKeyless, reloadSecrets } from '../parts/door/control.js';
import { findRunningChannels, probeChannels } from '../parts/door/channels.js';
import { configText } from '../parts/config/config.js';
import { patchConfig } from '../parts/config/patch.js';
import { insideWith } from '../parts/door/inside.js';
import { containerOf, ensureRestartPolicy } from '../parts/container/container.js';
import type { Container } from '../../ports/docker-engine.js';
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
import { previousTokensOf, keepPreviousTokens, noteGiven, readPreviousTokens } from './previous-secrets.js';
import { notedWhenRefused } from '../parts/config/refused-secrets.js';

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

/**
 * The running gateway has the channels of the next spec with their stored tokens, and nothing of what creel wrote for
 * previous ones.
 */
export async function ensureChannels(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  const next = reconfigured(gateway);
  await keepPreviousTokens(deps, gateway, await containerOf(deps, gateway));
  const tokens = { file: tokensFile, text: await storedTokens(deps, next) };
  return applyChannels(deps, next, { previous: gateway.spec.channels, tokens, wait: awaitReady });
}

/** The running gateway has the channels and the very tokens that it had, and serves creel's device from outside. */
export async function restoreChannels(deps: Deps, { change, ...gateway }: Changing<Reconfiguration>): Promise<string> {
  const tokens = { file: tokensFile, text: await previousTokens(deps, { ...gateway, change }) };
  const said = await applyChannels(deps, gateway, { previous: change.to.channels, tokens, wait: awaitReadyAgain });
  (await openSession(deps, gateway)).close();
  return `${said}, proved serving`;
}

/**
 * Every channel of the next spec has connected, and none runs that the spec no longer has. Tokens that are refused are
 * noted before the change goes back.
 */
export async function probeReconfigured(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  const next = reconfigured(gateway);
  const previous = previousTokensOf(gateway);
  const prove = async () => probeChannels(deps, next);
  if (!previous) await prove();
  else await notedWhenRefused('token', () => noteGiven(deps, gateway, { file: tokensFile, previous }), prove);
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

/** The tokens to which a change goes back. An older creel kept none, and had to take what is stored. */
async function previousTokens(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  if (!previousTokensOf(gateway)) return storedTokens(deps, gateway);
  const container = await containerOf(deps, gateway);
  const kept = await readPreviousTokens(deps, gateway, container);
  return kept ?? secretsText(await readTokens(deps, gateway, container)); // Where nothing was kept, nothing was given.
}

type Giving = {
  /** What creel may have written that the gateway's spec does not name. */
  readonly previous: readonly Channel[];
  readonly tokens: SecretFile;
  readonly wait: typeof awaitReady;
};

/** A gateway that must be restarted for this is restarted once, however often it is repeated, and then awaited. */
async function applyChannels(deps: Deps, to: Gateway, { previous, tokens, wait }: Giving): Promise<string> {
  const container = await containerOf(deps, to);
  const isRunning = container.state === 'running';
  const text = await configText(deps, to, container);
  const said = `channels: ${to.spec.channels.map(({ kind }) => kind).join(', ') || 'none'}`;
  if (isRunning && (await wayOf(deps, to, text)) === 'reload') {
    await reload(deps, to, container, previous, tokens);
    await ensureRestartPolicy(deps, to); // An earlier attempt may have restarted it.
    return `${said}, taken up while it runs`;
  }
  const isDone = !channelPatch(text, previous, to.spec.channels, stateDirectory);
  if (!isRunning || !isDone || !(await holdsSecrets(deps, to, container, tokens)))
    await restartWith(deps, to, container, { previous, secrets: { tokens: tokens.text } });
  await wait(deps, to, readinessMs);
  await ensureRestartPolicy(deps, to);
  (await openSession(deps, to)).close();
  return `${said}, after a restart`;
}

/**
 * The tokens lie there before the config refers to them. The gateway restarts the channels whose token or block has
 * changed, and no other; a token that was changed alone it takes up when it is told to.
 */
async function reload(
  deps: Deps,
  to: Gateway,
  container: Container,
  previous: readonly Channel[],
  tokens: SecretFile,
): Promise<void> {
  const { written } = await ownedOf(deps, to);
  const before = await recall(deps, to, container);
  await remember(deps, to, container, bothWritten(before, written));
  if (!(await holdsSecrets(deps, to, container, tokens))) await writeSecrets(deps, to, container, tokens);
  const control = insideWith(deps, to, deps.keys.token(to));
  await patchConfig(deps, to, control, async () =>
    channelPatch(
      await configText(deps, to, container),
      [...before.channels, ...previous],
      to.spec.channels,
      stateDirectory,
    ),
  );
  await reloadSecrets(control);
  demandReadable(to, await readKeyless(control));
  await remember(deps, to, container, written);
}

/** A reload says that it went well also where a token could not be read: the channel goes on with the one before. */
function demandReadable({ mark, spec }: Gateway, unread: readonly string[]): void {
  const left = spec.channels.map(({ kind }) => kind).filter((kind) => unread.includes(`${kind}:default`));
  if (left.length > 0)
    throw new Error(`gateway ${mark.gateway} does not read the token of ${left.join(', ')} in ${tokensFile}`);
}
