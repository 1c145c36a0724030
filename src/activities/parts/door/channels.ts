import { channelFaults, isLinked, type ChannelKind } from '../../../domain/channels/channel.js';
import { NotYet, Refused } from '../../../domain/errors.js';
import { names, type Gateway } from '../../../domain/gateway/gateway.js';
import type { GatewayRecord } from '../../../domain/gateway/reading.js';
import { masked, plain } from '../../../domain/heard.js';
import { channelsMs } from '../../../domain/thresholds.js';
import { secretsIn } from '../../../domain/secret-files.js';
import { demandOwnBots } from '../config/bot-claims.js';
import { wantedTokens } from '../config/channel-tokens.js';
import { recall } from '../config/written.js';
import { containerOf } from '../container/container.js';
import type { Deps } from '../../../world/deps.js';
import { readChannels, startChannel, type ChannelStatus } from './control.js';
import { openSession } from './operator.js';
import { until } from '../../../world/until.js';

/** Characters of what a channel says of its failure. */
const heardOfChannel = 300;

/**
 * Every channel of the spec has really connected (S0-16, S4-35): `running: true` proves nothing; the probe of its token
 * and its lifecycle decide together. A gateway without channels passes, and says so. A network that does not answer is
 * waited for; a token that is refused, or is another gateway's, is not; a channel that stands still is started. One that
 * waits for its owner to link a phone passes, unless it is among those that had connected `before`.
 */
export async function probeChannels(deps: Deps, gateway: Gateway, before: readonly string[] = []): Promise<void> {
  if (gateway.spec.channels.length === 0) return;
  const container = await containerOf(deps, gateway);
  const { text } = await wantedTokens(deps, gateway, container, await recall(deps, gateway, container));
  await demandOwnBots(deps, gateway, secretsIn(text));
  const wait = { what: `channels of ${gateway.mark.gateway}`, paceMs: 2_000, limitMs: channelsMs };
  await until(wait, deps.signal(), async () => {
    const session = await openSession(deps, gateway);
    try {
      const channels = await readChannels(session);
      for (const { kind } of gateway.spec.channels)
        if (standsStill(kind, channels[kind])) await startChannel(session, kind);
      const lost = before.map((kind) => unlinked(gateway, channels).get(kind)).find((each) => each !== undefined);
      if (lost !== undefined) throw new Refused(`a phone was linked before: ${lost}`);
      const problem = findProblem(gateway, channels);
      if (problem) throw problem;
    } finally {
      session.close();
    }
  });
}

/** One sentence about the channels for people. */
export async function describeChannels(deps: Deps, gateway: Gateway): Promise<string> {
  return (await recordChannels(deps, gateway)).channels;
}

/** The channels as a record has them: one sentence, and whether all of them have really connected. */
export async function recordChannels(
  deps: Deps,
  gateway: Gateway,
): Promise<Pick<GatewayRecord, 'channels' | 'connected'>> {
  const { channels } = gateway.spec;
  if (channels.length === 0) return { channels: 'none configured', connected: true };
  const found = await askStatus(deps, gateway);
  const problem = findProblem(gateway, found);
  const waiting = unlinked(gateway, found);
  const up = channels.filter(({ kind }) => !waiting.has(kind)).map(({ kind }) => kind);
  const connected = up.length > 0 ? [`${up.join(', ')} connected`] : [];
  const said = [...(problem ? [problem.message] : connected), ...waiting.values(), ...channelFaults(channels)];
  return { channels: said.join('; '), ...(!problem && waiting.size === 0 && { connected: true }) };
}

/** The channels that run in a gateway, whoever configured them. */
export async function findRunningChannels(deps: Deps, gateway: Gateway): Promise<string[]> {
  const channels = Object.entries(await askStatus(deps, gateway));
  return channels.filter(([, { running }]) => running === true).map(([kind]) => kind);
}

/** The channels of the spec that have really connected. */
export async function connectedChannels(deps: Deps, gateway: Gateway): Promise<ChannelKind[]> {
  if (gateway.spec.channels.length === 0) return [];
  const channels = await askStatus(deps, gateway);
  return gateway.spec.channels.map(({ kind }) => kind).filter((kind) => isConnected(kind, channels[kind]));
}

/**
 * The token is good, or a phone is linked, **and** the channel runs: after its crash-loop breaker trips, a gateway
 * starts no channel and still probes well.
 */
function isConnected(kind: ChannelKind, found: ChannelStatus | undefined): boolean {
  if (!isProved(kind, found)) return false;
  const { lifecycle, connected } = found.account ?? {};
  if (lifecycle === undefined || lifecycle === null) return found.running !== false && connected !== false;
  return lifecycle === 'ready' || connected === true;
}

/** Whether whoever is behind a channel takes the gateway for what it says it is. */
function isProved(kind: ChannelKind, found: ChannelStatus | undefined): found is ChannelStatus {
  return isLinked(kind) ? linkOf(found) === true : found?.probe?.ok === true;
}

/** Whether a phone is linked; nothing while the gateway cannot tell. */
function linkOf(found: ChannelStatus | undefined): boolean | undefined {
  return found?.account?.linked ?? found?.linked ?? undefined;
}

/** The channels that wait for their owner to link a phone, with how that is done. */
function unlinked({ mark, spec }: Gateway, channels: Record<string, ChannelStatus>): Map<string, string> {
  const waiting = spec.channels.filter(({ kind }) => isLinked(kind) && linkOf(channels[kind]) === false);
  const how = `\`creel open ${mark.gateway}\`, and there under Channels, or \`docker exec -it ${names(mark).container} openclaw channels login --channel`;
  return new Map(
    waiting.map(({ kind }) => [
      kind,
      `channel ${kind} is not linked: its owner scans a code with the phone (${how} ${kind}\`)`,
    ]),
  );
}

/** It could connect, and nothing will start it by itself. */
function standsStill(kind: ChannelKind, found: ChannelStatus | undefined): boolean {
  return isProved(kind, found) && !isConnected(kind, found) && found.account?.lifecycle === 'stopped';
}

function findProblem(gateway: Gateway, channels: Record<string, ChannelStatus>): NotYet | Refused | undefined {
  const waiting = unlinked(gateway, channels);
  for (const { kind } of gateway.spec.channels) {
    const found = channels[kind];
    if (!found) return new Refused(`channel ${kind} is not loaded: the image lacks its plugin`);
    if (waiting.has(kind) || isConnected(kind, found)) continue;
    const heard = plain(found.account?.lastError ?? found.lastError ?? '', heardOfChannel);
    return isTurnedDown(found) ? turnedDown(kind, found, heard) : notConnected(gateway, kind, found, heard);
  }
  return undefined;
}

/** A bad token shows by its status, by Slack's own error, or by a gateway that has stopped trying. */
function isTurnedDown({ probe, account: { lifecycle, terminalDisconnect } = {} }: ChannelStatus): boolean {
  if (probe?.ok) return false;
  const isBad = probe?.status === 401 || probe?.status === 404 || /invalid_auth|Unauthorized/.test(probe?.error ?? '');
  return isBad || terminalDisconnect === true || lifecycle === 'blocked';
}

function turnedDown(kind: ChannelKind, { probe }: ChannelStatus, heard: string): Refused {
  const why = masked(plain(probe?.error ?? '', heardOfChannel) || heard, []);
  if (heard.startsWith('Plugin ')) return new Refused(`channel ${kind} does not load: ${masked(heard, [])}`);
  if (isLinked(kind)) return new Refused(`channel ${kind} was turned away: ${why}. Its owner links the phone again`);
  return new Refused(`channel ${kind} refused its token: ${why}. Store the right one with \`creel secret set\``);
}

/** What a probe says when the network, a proxy or a certificate is in the way: of the token it says nothing. */
const unreached =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR|fetch failed|certificate|timed out/i;

function notConnected({ mark }: Gateway, kind: ChannelKind, found: ChannelStatus, heard: string): NotYet {
  const id = mark.gateway;
  const asked = plain(found.probe?.error ?? '', heardOfChannel);
  if (!isProved(kind, found) && unreached.test(asked))
    return new NotYet(`channel ${kind} is not connected: its service is not reached (${masked(asked, [])})`);
  const said = masked(heard || asked || 'no probe answer', []);
  if (/\b409\b|terminated by other getUpdates/.test(heard))
    return new NotYet(
      `channel ${kind} is not connected: another program polls with the same bot token (${said}). Stop it, or make a bot of its own for gateway ${id}`,
    );
  if (!isProved(kind, found)) return new NotYet(`channel ${kind} is not connected: ${said}`);
  const lifecycle = plain(found.account?.lifecycle ?? 'not running', heardOfChannel);
  const why = heard === '' ? '' : `: ${masked(heard, [])}`;
  return new NotYet(
    `channel ${kind} is not connected: its ${isLinked(kind) ? 'phone is linked' : 'token is good'} and it is ${lifecycle}${why}. \`creel provision ${id}\` starts it`,
  );
}

async function askStatus(deps: Deps, gateway: Gateway): Promise<Record<string, ChannelStatus>> {
  const session = await openSession(deps, gateway);
  try {
    return await readChannels(session);
  } finally {
    session.close();
  }
}
