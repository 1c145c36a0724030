import { nameOfNewest } from '../../domain/keys/deployment-keys.js';
import type { Deps } from '../../world/deps.js';

/** The newest key of the deployment, as a record names it: not at all while it is the first. */
export async function findNewestKey(deps: Deps): Promise<{ readonly keyId?: string }> {
  const keys = await deps.records.keys();
  return keys ? nameOfNewest(keys) : {};
}
