import { channelsIn, type SenderBook } from '../../domain/channels/paired-senders.js';
import { names, type Gateway } from '../../domain/gateway/gateway.js';
import { parseObject, type JsonObject } from '../../domain/json.js';
import type { SenderDeed } from '../../ports/gateway-door.js';
import type { Deps } from '../../world/deps.js';
import { configText } from '../parts/config/config.js';
import { demandReadable } from '../parts/config/unreadable.js';
import { containerOf } from '../parts/container/container.js';

/** A gateway's config, which says how its channels treat senders; one that cannot be read is `Refused`. */
export async function configOf(deps: Deps, gateway: Gateway): Promise<JsonObject> {
  const text = await configText(deps, gateway, await containerOf(deps, gateway));
  demandReadable(gateway, text);
  return parseObject(text) ?? {};
}

/** What a gateway keeps of senders, in all channels of its config, after a deed. */
export async function visitBook(
  deps: Deps,
  gateway: Gateway,
  config: JsonObject,
  deed: SenderDeed = { kind: 'none' },
): Promise<SenderBook> {
  const { place, mark } = gateway;
  const inside = { place, container: names(mark).container, token: deps.keys.token(gateway) };
  deps.signal()?.throwIfAborted();
  return deps.door.visitSenders(inside, channelsIn(config), deed);
}
