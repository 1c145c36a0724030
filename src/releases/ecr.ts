import { askAmazon, whyNotGiven, type AmazonLogin, type AmazonRegistry } from '../adapters/registries/amazon.js';
import { TurnedDown } from '../client/failure.js';

/** The login of one of Amazon's registries for a push. `TurnedDown` with what is missing. */
export async function amazonLogin(registry: AmazonRegistry): Promise<AmazonLogin> {
  try {
    return await askAmazon(registry);
  } catch (error) {
    const { why, isFinal } = whyNotGiven(registry, error);
    throw new TurnedDown(`${why}. Nothing was made`, isFinal ? 'Refused' : 'Registry', { cause: error });
  }
}
