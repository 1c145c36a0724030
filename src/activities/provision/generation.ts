import { Refused } from '../../domain/errors.js';
import { tokenIn } from '../../domain/gateway/config.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { lostGenerations } from '../../domain/thresholds.js';
import { gatewayToken, type MasterKey } from '../../domain/keys/token.js';
import type { FoundState } from '../../domain/changes/replacement.js';
import { savedStateOf } from '../parts/saved-state.js';
import { newestFirst, shelves } from '../parts/shelves.js';
import { readConfig } from '../parts/config/config.js';
import type { Deps } from '../../world/deps.js';
import { demandReadable } from '../parts/config/unreadable.js';

/**
 * A generation of the deployment's first key, or of the named one. `savedBy` is the highest number of a replacement
 * that saved a state of this life; `saved` is that state.
 */
export type FoundGeneration =
  | number
  | { readonly generation: number; readonly keyId?: string; readonly savedBy?: number; readonly saved?: FoundState };

/**
 * The token generation in force in a life whose record was lost, and its key, found by comparing the token in its
 * config with those derived from the keys that are here. A life without a config gets a generation beyond any that may
 * have been used and forgotten.
 */
export async function findGeneration(deps: Deps, gateway: Gateway): Promise<FoundGeneration> {
  const found = await generationOf(deps, gateway);
  for (const shelf of shelves) await savedStateOf(deps, gateway, shelf); // `Foreign` when it is not ours.
  const [newest] = (await newestFirst(deps, gateway)).filter(({ number }) => Number.isInteger(number));
  if (!newest) return found;
  const { number: savedBy, ...saved } = newest;
  return { ...(typeof found === 'number' ? { generation: found } : found), savedBy, saved };
}

async function generationOf(deps: Deps, gateway: Gateway): Promise<FoundGeneration> {
  const text = await readConfig(deps, gateway);
  demandReadable(gateway, text);
  const held = tokenIn(text);
  if (held === undefined) return named(deps, deps.keys.of(gateway), gateway.tokenGeneration + lostGenerations);
  for (const key of deps.keys.all()) {
    const generation = generationIn(key, gateway, held);
    if (generation !== undefined) return named(deps, key, generation);
  }
  throw await noKeyFits(deps, gateway, held);
}

/** Upward from the one that is known, because a later one is likelier; then those before, to which a way back may have gone. */
function generationIn(key: MasterKey, gateway: Gateway, held: string): number | undefined {
  const { tokenGeneration: known } = gateway;
  const isHeld = (generation: number) => gatewayToken(key, gateway.mark, generation).reveal() === held;
  for (let generation = known; generation <= known + 2 * lostGenerations; generation += 1)
    if (isHeld(generation)) return generation;
  for (let generation = known - 1; generation >= 1; generation -= 1) if (isHeld(generation)) return generation;
  return undefined;
}

function named(deps: Deps, key: MasterKey, generation: number): FoundGeneration {
  const keyId = deps.keys.nameOf(key);
  return keyId === undefined ? generation : { generation, keyId };
}

/** The refusal when no key fits. A retired key that still lies here is tried, too, so that it can be named. */
async function noKeyFits(deps: Deps, gateway: Gateway, held: string): Promise<Refused> {
  const { gateway: id, birth } = gateway.mark;
  const found = deps.keys.retired().find((key) => generationIn(key, gateway, held) !== undefined);
  if (found)
    return new Refused(
      `gateway ${id} (birth ${birth}) is derived from master key ${found.id}, which is retired. Put it back as docs/runbook.md#retired-key says (master.key.retired-${found.id} as master.key.back), and ask again`,
    );
  const retired = ((await deps.records.keys()) ?? []).filter(({ state }) => state === 'retired').map((each) => each.id);
  const or =
    retired.length === 0
      ? 'somebody set it by hand'
      : `it belongs to a retired key (${retired.join(', ')}), whose file docs/runbook.md#retired-key says how to put back, or somebody set it by hand`;
  return new Refused(
    `gateway ${id} (birth ${birth}) holds a token that this deployment's key never derived: ${or}. Purge it with \`creel remove ${id} --birth ${birth} --purge\`, or put the derived one back`,
  );
}
