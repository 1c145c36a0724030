import { z } from 'zod';
import type { ChannelKind } from '../domain/channels.js';
import { NotYet, Refused } from '../domain/errors.js';
import type { Gateway } from '../domain/gateway.js';
import { channelsMs } from '../domain/thresholds.js';
import type { Deps } from './deps.js';
import { openSession } from './operator.js';
import { until } from './until.js';

const statusAnswer = z.object({
  channels: z.record(
    z.string(),
    z.object({
      running: z.boolean().nullish(),
      lastError: z.string().nullish(),
      probe: z.object({ ok: z.boolean(), status: z.number().nullish(), error: z.string().nullish() }).nullish(),
    }),
  ),
});

/**
 * Every channel of the spec has really connected (S0-16, S4-35): `running: true` says nothing, the probe's own answer decides.
 * No channels is a pass that says so. A network that does not answer is waited for, a token that is refused is not.
 */
export const probeChannels = (deps: Deps) =>
  async function probeChannels(gateway: Gateway): Promise<void> {
    if (gateway.spec.channels.length === 0) return;
    const wait = { what: `channels of ${gateway.mark.gateway}`, paceMs: 2_000, limitMs: channelsMs };
    await until(wait, deps.signal(), async () => {
      const problem = await findChannelProblem(deps, gateway);
      if (problem) throw problem;
    });
  };

/** One sentence about the channels for the record. */
export async function describeChannels(deps: Deps, gateway: Gateway): Promise<string> {
  if (gateway.spec.channels.length === 0) return 'none configured';
  const problem = await findChannelProblem(deps, gateway);
  return problem?.message ?? `${gateway.spec.channels.map(({ kind }) => kind).join(', ')} connected`;
}

/** The channels that run in a gateway, whoever configured them. */
export async function findRunningChannels(deps: Deps, gateway: Gateway): Promise<string[]> {
  const channels = Object.entries(await readStatus(deps, gateway));
  return channels.filter(([, { running }]) => running === true).map(([kind]) => kind);
}

/** The channels of the spec that have really connected. */
export async function connectedChannels(deps: Deps, gateway: Gateway): Promise<ChannelKind[]> {
  if (gateway.spec.channels.length === 0) return [];
  const channels = await readStatus(deps, gateway);
  return gateway.spec.channels.map(({ kind }) => kind).filter((kind) => channels[kind]?.probe?.ok === true);
}

async function findChannelProblem(deps: Deps, gateway: Gateway): Promise<NotYet | Refused | undefined> {
  const channels = await readStatus(deps, gateway);
  for (const { kind } of gateway.spec.channels) {
    const found = channels[kind];
    if (!found) return new Refused(`channel ${kind} is not loaded: the image lacks its plugin (T12)`);
    if (found.probe?.ok) continue;
    const heard = found.probe?.error ?? found.lastError ?? 'no probe answer';
    const refused = found.probe?.status === 401 || found.probe?.status === 404;
    if (refused)
      return new Refused(`channel ${kind} refused its token: ${heard}. Store the right one with \`creel secret set\``);
    return new NotYet(`channel ${kind} is not connected: ${heard}`);
  }
  return undefined;
}

async function readStatus(deps: Deps, gateway: Gateway): Promise<z.infer<typeof statusAnswer>['channels']> {
  const session = await openSession(deps, gateway);
  try {
    return statusAnswer.parse(await session.call('channels.status', { probe: true, timeoutMs: 5_000 })).channels;
  } finally {
    session.close();
  }
}
