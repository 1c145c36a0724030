import { Refused } from '../domain/errors.js';
import { tokenIn } from '../domain/gateway-config.js';
import type { Gateway } from '../domain/gateway.js';
import { lostGenerations } from '../domain/thresholds.js';
import { gatewayToken } from '../domain/token.js';
import { readConfig } from './config.js';
import type { Deps } from './deps.js';

/**
 * The token generation in force in a life whose record was lost, found by comparing what its config holds with what the key
 * derives. A life without a config gets a generation that no forgotten one can have used.
 */
export const findGeneration = (deps: Deps) =>
  async function findGeneration(gateway: Gateway): Promise<number> {
    const held = tokenIn(await readConfig(deps, gateway));
    if (held === undefined) return lostGenerations + 1;
    for (let generation = 1; generation <= 2 * lostGenerations; generation += 1) {
      if (gatewayToken(deps.key, gateway.mark, generation).reveal() === held) return generation;
    }
    throw new Refused(
      `gateway ${gateway.mark.gateway} (birth ${gateway.mark.birth}) holds a token that this deployment's key never derived: somebody set it by hand. Purge it with \`creel remove ${gateway.mark.gateway} --birth ${gateway.mark.birth} --purge\`, or put the derived one back`,
    );
  };
