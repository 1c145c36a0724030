import { channelFaults, type ChannelKind } from '../../../domain/channels/channel.js';
import { NotYet, Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { GatewayRecord } from '../../../domain/gateway/reading.js';
import { masked, plain } from '../../../domain/heard.js';
import { channelsMs } from '../../../domain/thresholds.js';
import { demandOwnBots } from '../config/bot-claims.js';
import type { Deps } from '../../../world/deps.js';
import { readChannels, startChannel, type ChannelStatus } from './control.js';
import { openSession } from './operator.js';
import { until } from '../../../world/until.js';

/** Characters of what a channel says of its failure. */
const heardOfChannel = 300;

/**
 * Every channel of the spec has really connected (S0-16, S4-35): `running: true` proves nothing; the probe of its token
 * and its lifecycle decide together. A gateway without channels passes, and says so. A network that does not answer is
 * waited for; a token that is refused, or is another gateway's, is not; a channel that stands still is started.
 */
export async function probeChannels(deps: Deps, gateway: Gateway): Promise<void> {
  if (gateway.spec.channels.length === 0) return;
  await demandOwnBots(deps, gateway);
  const wait = { what: `channels of ${gateway.mark.gateway}`, paceMs: 2_000, limitMs: channelsMs };
  await until(wait, deps.signal(), async () => {
    const session = await openSession(deps, gateway);
    try {
      const channels = await readChannels(session);
      for (const { kind } of gateway.spec.channels) if (standsStill(channels[kind])) await startChannel(session, kind);
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
  const problem = findProblem(gateway, await askStatus(deps, gateway));
  const connected = `${channels.map(({ kind }) => kind).join(', ')} connected`;
  const said = [problem?.message ?? connected, ...channelFaults(channels)].join('; ');
  return { channels: said, ...(!problem && { connected: true }) };
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
  return gateway.spec.channels.map(({ kind }) => kind).filter((kind) => isConnected(channels[kind]));
}

/**
 * The token is good **and** the channel runs: after its crash-loop breaker trips, a gateway starts no channel and still
 * probes well.
 */
function isConnected(found: ChannelStatus | undefined): boolean {
  if (found?.probe?.ok !== true) return false;
  const { lifecycle, connected } = found.account ?? {};
  if (lifecycle === undefined || lifecycle === null) return found.running !== false && connected !== false;
  return lifecycle === 'ready' || connected === true;
}

/** The token is good, and nothing will start the channel by itself. */
function standsStill(found: ChannelStatus | undefined): boolean {
  return found?.probe?.ok === true && !isConnected(found) && found.account?.lifecycle === 'stopped';
}

function findProblem(gateway: Gateway, channels: Record<string, ChannelStatus>): NotYet | Refused | undefined {
  for (const { kind } of gateway.spec.channels) {
    const found = channels[kind];
    if (!found) return new Refused(`channel ${kind} is not loaded: the image lacks its plugin`);
    if (isConnected(found)) continue;
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
  return new Refused(`channel ${kind} refused its token: ${why}. Store the right one with \`creel secret set\``);
}

function notConnected({ mark }: Gateway, kind: ChannelKind, found: ChannelStatus, heard: string): NotYet {
  const id = mark.gateway;
  const said = masked(heard || plain(found.probe?.error ?? 'no probe answer', heardOfChannel), []);
  if (/\b409\b|terminated by other getUpdates/.test(heard))
    return new NotYet(
      `channel ${kind} is not connected: another program polls with the same bot token (${said}). Stop it, or make a bot of its own for gateway ${id}`,
    );
  if (!found.probe?.ok) return new NotYet(`channel ${kind} is not connected: ${said}`);
  const lifecycle = plain(found.account?.lifecycle ?? 'not running', heardOfChannel);
  const why = heard === '' ? '' : `: ${masked(heard, [])}`;
  return new NotYet(
    `channel ${kind} is not connected: its token is good and it is ${lifecycle}${why}. \`creel provision ${id}\` starts it`,
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
