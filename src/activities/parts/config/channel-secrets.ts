import type { ResolvedChannel } from '../../../domain/channels/tokens.js';
import type { Channel } from '../../../domain/channels/channel.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { Secret } from '../../../domain/secret.js';
import type { Deps } from '../../../world/deps.js';

/** The channels of a gateway with their stored secrets. A missing one is `Refused`, naming how to store it. */
export async function resolveChannels(deps: Deps, gateway: Gateway): Promise<ResolvedChannel[]> {
  const resolve = async (channel: Channel): Promise<ResolvedChannel> => {
    const read = async ([key, reference]: [string, string]): Promise<[string, Secret]> => [
      key,
      await deps.secrets.read(reference.replace(/^secret:/, '')),
    ];
    return { channel, secrets: Object.fromEntries(await Promise.all(Object.entries(channel.secrets).map(read))) };
  };
  return Promise.all(gateway.spec.channels.map(resolve));
}
