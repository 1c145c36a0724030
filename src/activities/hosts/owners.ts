import type { Owner } from '../../domain/sweep/owner.js';
import type { Deps } from '../../world/deps.js';

/** Records that are asked at the same time. */
const askedAtOnce = 10;

/** Asks each record once, by its exact id; a life is `gateway/birth`. */
export async function ownersOf(deps: Deps, lives: readonly string[]): Promise<Map<string, Owner>> {
  const ids = [...new Set(lives.map((life) => life.split('/')[0] ?? ''))];
  const owners = new Map<string, Owner>();
  for (let from = 0; from < ids.length; from += askedAtOnce) {
    deps.signal()?.throwIfAborted();
    const some = ids.slice(from, from + askedAtOnce).map(async (id) => [id, await deps.records.owner(id)] as const);
    for (const [id, owner] of await Promise.all(some)) owners.set(id, owner);
  }
  return owners;
}
