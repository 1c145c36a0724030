import { z } from 'zod';
import { channelFaults, type ChannelKind } from '../../../domain/channels/channel.js';
import { NotYet, Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { GatewayRecord } from '../../../domain/gateway/reading.js';
import { masked, plain } from '../../../domain/heard.js';
import { channelsMs } from '../../../domain/thresholds.js';
import { RpcError, type Session } from '../../../ports/gateway-door.js';
import { demandOwnBots } from '../config/bot-claims.js';
import type { Deps } from '../../../world/deps.js';
import { openSession } from './operator.js';
import { until } from '../../../world/until.js';

/** Characters of what a channel says of its failure. */
const heardOfChannel = 300;

const account = z.object({
  accountId: z.string().nullish(),
  lifecycle: z.string().nullish(),
  connected: z.boolean().nullish(),
  terminalDisconnect: z.boolean().nullish(),
  lastError: z.string().nullish(),
});

const status = z.object({
  running: z.boolean().nullish(),
  lastError: z.string().nullish(),
  probe: z.object({ ok: z.boolean(), status: z.number().nullish(), error: z.string().nullish() }).nullish(),
});

const statusAnswer = z.object({
  channels: z.record(z.string(), status),
  channelAccounts: z.record(z.string(), z.array(account)).default({}),
});

/** What a gateway says of one channel; `account` is the one that creel's token belongs to, where the release tells of accounts. */
type Status = z.infer<typeof status> & { readonly account?: z.infer<typeof account> };

/**
 * Every channel of the spec has really connected (S0-16, S4-35): `running: true` says nothing, the probe of its token and its
 * lifecycle decide together. No channels is a pass that says so. A network that does not answer is waited for, a token that is
 * refused, or is another gateway's, is not; a channel that stands still is started.
 */
export const probeChannels = (deps: Deps) =>
  async function probeChannels(gateway: Gateway): Promise<void> {
    if (gateway.spec.channels.length === 0) return;
    await demandOwnBots(deps, gateway);
    const wait = { what: `channels of ${gateway.mark.gateway}`, paceMs: 2_000, limitMs: channelsMs };
    await until(wait, deps.signal(), async () => {
      const session = await openSession(deps, gateway);
      try {
        const channels = await readStatus(session);
        for (const { kind } of gateway.spec.channels)
          if (standsStill(channels[kind])) await startChannel(session, kind);
        const problem = findProblem(gateway, channels);
        if (problem) throw problem;
      } finally {
        session.close();
      }
    });
  };

/** One sentence about the channels for people. */
export async function describeChannels(deps: Deps, gateway: Gateway): Promise<string> {
  return (await readChannels(deps, gateway)).channels;
}

/** What a record says of the channels: one sentence, and whether every one has really connected. */
export async function readChannels(
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

/** The token is good **and** the channel runs: a gateway whose crash-loop breaker tripped starts none, and still probes well. */
function isConnected(found: Status | undefined): boolean {
  if (found?.probe?.ok !== true) return false;
  const { lifecycle, connected } = found.account ?? {};
  if (lifecycle === undefined || lifecycle === null) return found.running !== false && connected !== false;
  return lifecycle === 'ready' || connected === true;
}

/** Its token is good, and nothing will start it by itself. */
function standsStill(found: Status | undefined): boolean {
  return found?.probe?.ok === true && !isConnected(found) && found.account?.lifecycle === 'stopped';
}

/** An older release starts none on request: it does so by itself when five minutes have passed without an unclean end. */
async function startChannel(session: Session, channel: ChannelKind): Promise<void> {
  try {
    await session.call('channels.start', { channel });
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
  }
}

function findProblem(gateway: Gateway, channels: Record<string, Status>): NotYet | Refused | undefined {
  for (const { kind } of gateway.spec.channels) {
    const found = channels[kind];
    if (!found) return new Refused(`channel ${kind} is not loaded: the image lacks its plugin (T12)`);
    if (isConnected(found)) continue;
    const heard = plain(found.account?.lastError ?? found.lastError ?? '', heardOfChannel);
    return isTurnedDown(found) ? turnedDown(kind, found, heard) : notConnected(gateway, kind, found, heard);
  }
  return undefined;
}

/** Bad tokens are told by status, by Slack's own word, or by a gateway that will not try again. */
function isTurnedDown({ probe, account: { lifecycle, terminalDisconnect } = {} }: Status): boolean {
  if (probe?.ok) return false;
  const isBad = probe?.status === 401 || probe?.status === 404 || /invalid_auth|Unauthorized/.test(probe?.error ?? '');
  return isBad || terminalDisconnect === true || lifecycle === 'blocked';
}

function turnedDown(kind: ChannelKind, { probe }: Status, heard: string): Refused {
  const why = masked(plain(probe?.error ?? '', heardOfChannel) || heard, []);
  if (heard.startsWith('Plugin ')) return new Refused(`channel ${kind} does not load: ${masked(heard, [])}`);
  return new Refused(`channel ${kind} refused its token: ${why}. Store the right one with \`creel secret set\``);
}

function notConnected({ mark }: Gateway, kind: ChannelKind, found: Status, heard: string): NotYet {
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

async function askStatus(deps: Deps, gateway: Gateway): Promise<Record<string, Status>> {
  const session = await openSession(deps, gateway);
  try {
    return await readStatus(session);
  } finally {
    session.close();
  }
}

async function readStatus(session: Session): Promise<Record<string, Status>> {
  const { channels, channelAccounts } = statusAnswer.parse(
    await session.call('channels.status', { probe: true, timeoutMs: 5_000 }),
  );
  const shown = Object.entries(channels).map(([kind, found]): [string, Status] => {
    const accounts = channelAccounts[kind] ?? [];
    const own = accounts.find(({ accountId }) => accountId === 'default') ?? accounts[0];
    return [kind, { ...found, ...(own && { account: own }) }];
  });
  return Object.fromEntries(shown);
}
