import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { Secret } from '../../../domain/secret.js';
import type { Deps } from '../../../world/deps.js';

/** A rotation under way puts the next generation in force; an older one may be in a log that goes back so far. */
const around = [-2, -1, 0, 1, 2];

/** The secrets that a gateway may say aloud and creel knows: its tokens of these days, and those of its channels that are stored here. */
export async function knownSecrets(deps: Deps, gateway: Gateway): Promise<Secret[]> {
  const generations = around.map((step) => gateway.tokenGeneration + step).filter((generation) => generation > 0);
  const tokens = generations.map((tokenGeneration) => deps.keys.token({ ...gateway, tokenGeneration }));
  const references = gateway.spec.channels.flatMap(({ secrets }) => Object.values(secrets));
  const stored = await Promise.all(references.map((reference) => findSecret(deps, reference)));
  return [...tokens, ...stored.filter((secret) => secret !== undefined)];
}

async function findSecret(deps: Deps, reference: string): Promise<Secret | undefined> {
  try {
    return await deps.secrets.read(reference.replace(/^secret:/, ''));
  } catch (error) {
    if (error instanceof Refused) return undefined; // What is not stored cannot be known.
    throw error;
  }
}
