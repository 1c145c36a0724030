import { Refused } from '../../domain/errors.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { findRelease } from '../../domain/release/release.js';
import type { Deps } from '../../world/deps.js';
import { catalogueOf } from '../parts/catalogue.js';
import { storedChecks } from '../parts/host/stored.js';

/**
 * What the first step of each of these gateways would refuse, as far as the catalogue and the stored secrets say, in
 * its own words and all of it; nothing is touched, and no engine or gateway asked.
 */
export async function findObstacles(
  deps: Deps,
  { gateways }: { readonly gateways: readonly Gateway[] },
): Promise<string[][]> {
  return Promise.all(gateways.map(async (gateway) => obstaclesOf(deps, gateway)));
}

async function obstaclesOf(deps: Deps, gateway: Gateway): Promise<string[]> {
  const { release, dev } = gateway.spec;
  const checks = [async () => findRelease(await catalogueOf(deps), release, dev), ...storedChecks(deps, gateway)];
  return (await Promise.all(checks.map(refusalOf))).flat();
}

async function refusalOf(check: () => Promise<unknown>): Promise<string[]> {
  try {
    await check();
    return [];
  } catch (error) {
    if (error instanceof Refused) return [error.message];
    throw error;
  }
}
