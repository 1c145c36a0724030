import { Refused } from '../../domain/errors.js';
import { names, type Gateway } from '../../domain/gateway/gateway.js';
import { isOver, overText } from '../../domain/gateway/state-size.js';
import { whyTooMany } from '../../domain/hosts/ledger.js';
import { findRelease } from '../../domain/release/release.js';
import type { ForeseeInput, StoredSecret } from '../../wire/foresight.js';
import type { Deps } from '../../world/deps.js';
import { catalogueOf } from '../parts/catalogue.js';
import { offerFor } from '../parts/machine/order.js';
import { storedChecks } from '../parts/host/stored.js';
import { runningStateUse } from '../parts/state-use.js';

/**
 * What the first step of each of these gateways would refuse, as far as the catalogue and the stored secrets say, in
 * its own words and all of it; of those that get a new container also that their state takes more than its disk, of those
 * that begin that there may be no more. Nothing is touched, and no other engine or gateway asked.
 */
export async function findObstacles(
  deps: Deps,
  { gateways, secret, replaced = [], begins = [] }: Omit<ForeseeInput, 'limits'>,
): Promise<string[][]> {
  return Promise.all(
    gateways.map(async (gateway) => [
      ...(await obstaclesOf(deps, gateway, secret)),
      ...(replaced.includes(gateway.mark.gateway) ? await overDisk(deps, gateway) : []),
      ...(begins.includes(gateway.mark.gateway) ? await aboveCeiling(deps, gateway) : []),
    ]),
  );
}

/** That the state of a gateway takes more than it is to; nothing where it cannot be counted, which the first step will say. */
async function overDisk(deps: Deps, { mark, place, spec: { diskMb } }: Gateway): Promise<string[]> {
  if (diskMb === undefined) return [];
  const bytes = await runningStateUse(deps, deps.engineAt(place), names(mark).container);
  return bytes !== undefined && isOver(bytes, diskMb) ? [overText(mark.gateway, bytes, diskMb)] : [];
}

/** That all Docker hosts together have as many gateways as they may; what is bought has a ceiling of its own. */
async function aboveCeiling({ ceiling, records }: Deps, { mark, spec }: Gateway): Promise<string[]> {
  if (ceiling === undefined || spec.machine) return [];
  const why = whyTooMany(mark.gateway, ceiling, (await records.onHosts()) ?? 0);
  return why === undefined ? [] : [why];
}

async function obstaclesOf(deps: Deps, gateway: Gateway, secret: StoredSecret | undefined): Promise<string[]> {
  const { release, dev } = gateway.spec;
  const checks = [
    async () => findRelease(await catalogueOf(deps), release, dev),
    ...(gateway.spec.machine ? [async () => offerFor(deps, gateway)] : []),
    ...storedChecks(deps, gateway),
    ...(secret ? [async () => demandStored(deps, gateway, secret)] : []),
  ];
  return (await Promise.all(checks.map(refusalOf))).flat();
}

/** `Refused` where this worker reads other secrets than whoever asks has stored. */
async function demandStored(deps: Deps, { place }: Gateway, { name, version }: StoredSecret): Promise<void> {
  if ((await deps.secrets.versionOf(name)) === version) return;
  const beside = place.engine === undefined ? 'that would do it' : `beside its engine ${place.engine}`;
  throw new Refused(
    `the worker ${beside} has secrets of its own, and another ${name} among them. Give the command there as well, as that worker's user`,
  );
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
