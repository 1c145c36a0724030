import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { writtenKey, type Channel } from '../../../domain/channels/channel.js';
import { tokenEntry, type ChannelTokens } from '../../../domain/channels/tokens.js';
import { Secret } from '../../../domain/secret.js';
import type { Deps } from '../../../world/deps.js';

/**
 * `Refused` when another gateway whose secrets lie here uses one of these bot tokens of this one: of two that poll with
 * one token, each loses what the other receives. Each token is noted, by a keyed hash, for the gateway that asked last;
 * one that is gone, or uses it no more, gives way.
 */
export async function demandOwnBots(deps: Deps, gateway: Gateway, tokens: ChannelTokens): Promise<void> {
  const owner = `${gateway.mark.gateway}/${gateway.mark.birth}`;
  for (const channel of gateway.spec.channels)
    for (const key of Object.keys(channel.secrets)) {
      const value = tokens[tokenEntry(channel.kind, key)];
      if (value === undefined) continue;
      const token = new Secret(value);
      const holder = await deps.secrets.claim(token, owner);
      if (holder === undefined) continue;
      const used = await findUse(deps, holder, token);
      if (used === undefined) await deps.secrets.claim(token, owner, holder);
      else throw shared(gateway, channel, key, used);
    }
}

function shared({ mark }: Gateway, channel: Channel, key: string, used: Use): Refused {
  const { gateway, reference } = used;
  const own = channel.secrets[key] ?? '';
  return new Refused(
    `channel ${channel.kind}: the ${writtenKey(key)} of ${mark.gateway} (${own}) is the one of gateway ${gateway} (${reference}): of two that poll with one bot token each drops what the other gets. Make a bot of its own for one of them, and store its token with \`creel secret set\``,
  );
}

type Use = { readonly gateway: string; readonly reference: string };

/** Where the gateway that holds the claim on a token uses it now; undefined when it is gone, or uses another token. */
async function findUse(deps: Deps, holder: string, token: Secret): Promise<Use | undefined> {
  const [gateway = '', birth] = holder.split('/');
  const told = await deps.records.describe(gateway);
  if (told?.life?.mark.birth !== birth || !told?.life || told.phase === 'removed' || told.phase === 'none')
    return undefined;
  const references = told.life.spec.channels.flatMap(({ secrets }) => Object.values(secrets));
  for (const reference of references) {
    const value = await deps.secrets.read(reference.replace(/^secret:/, '')).catch(unlessMissing);
    if (value?.reveal() === token.reveal()) return { gateway, reference };
  }
  return undefined;
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Refused) return undefined;
  throw error;
}
