import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { Secret } from '../../../domain/secret.js';
import type { Deps } from '../../../world/deps.js';

/** A rotation under way puts the next generation in force, and a log may go back to an older one. */
const around = [-2, -1, 0, 1, 2];

/**
 * The secrets known to creel that a gateway may say aloud: its recent and next tokens, and those of its channels and
 * models that are stored here.
 */
export async function knownSecrets(deps: Deps, gateway: Gateway): Promise<Secret[]> {
  return [...ownTokens(deps, gateway), ...(await storedSecrets(deps, gateway))];
}

/** Its recent and next tokens, for which its master key has to be here. */
export function ownTokens(deps: Deps, gateway: Gateway): Secret[] {
  const generations = around.map((step) => gateway.tokenGeneration + step).filter((generation) => generation > 0);
  return generations.map((tokenGeneration) => deps.keys.token({ ...gateway, tokenGeneration }));
}

/** Those of its channels and models that are stored here. */
export async function storedSecrets(deps: Deps, { spec }: Gateway): Promise<Secret[]> {
  const { channels, models } = spec;
  const keys = (models?.providers ?? []).flatMap(({ key }) => key ?? []);
  const references = [...channels.flatMap(({ secrets }) => Object.values(secrets)), ...keys];
  const stored = await Promise.all(references.map((reference) => findSecret(deps, reference)));
  return stored.filter((secret) => secret !== undefined);
}

async function findSecret(deps: Deps, reference: string): Promise<Secret | undefined> {
  try {
    return await deps.secrets.read(reference.replace(/^secret:/, ''));
  } catch (error) {
    if (error instanceof Refused) return undefined; // Not stored, so not known.
    throw error;
  }
}
