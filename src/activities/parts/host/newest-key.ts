import { newestKey } from '../../../domain/keys/deployment-keys.js';
import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { Deps } from '../../../world/deps.js';

/**
 * Refuses to derive anything new from a key that is being replaced, or was. The namespace is asked, whatever this
 * worker knew.
 */
export async function demandNewestKey(deps: Deps, gateway: Gateway): Promise<void> {
  const keys = await deps.records.keys();
  if (!keys) return;
  const [id, newest] = [deps.keys.idOf(gateway), newestKey(keys).id];
  if (id === newest) return;
  throw new Refused(
    `nothing new is derived from master key ${id}: everything new of this deployment is derived from ${newest}. Ask again, with this version of creel or a later one: it names the key by itself`,
  );
}
