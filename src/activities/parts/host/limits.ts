import { Refused } from '../../../domain/errors.js';
import { sizeText } from '../../../domain/amounts.js';
import { gigabytes } from '../../../domain/gateway/state-size.js';
import { names, type Gateway } from '../../../domain/gateway/gateway.js';
import { hiddenRoute, slotsFor } from '../../../domain/hosts/slot.js';
import { freeDiskFloorBytes, gatewayUser, watchersPerGateway } from '../../../domain/thresholds.js';
import type { HostFacts } from '../../../ports/host-provider.js';
import type { Deps } from '../../../world/deps.js';
import { otherContainers } from './memory.js';

/** `Refused` when a spec asks for more processors than the host has: the engine would not make such a container. */
export function demandCpus({ spec, place }: Gateway, cpus: number): void {
  if (spec.cpus <= cpus) return;
  throw new Refused(
    `host ${place.host} has ${cpus} processors, the spec asks for ${spec.cpus}. Ask for ${cpus} at most, or choose a larger host`,
  );
}

/** `Refused` when the engine's fullest disk has no room for a state, its log and an image's unpacking (S4-25). */
export function demandDisk({ place }: Gateway, { freeDiskBytes, fullestDirectory }: HostFacts): void {
  if (freeDiskBytes === undefined || freeDiskBytes >= freeDiskFloorBytes) return;
  const free = Math.floor(freeDiskBytes / 1024 ** 2);
  const where = fullestDirectory === undefined ? '' : ` in ${fullestDirectory}`;
  throw new Refused(
    `host ${place.host} has ${free} MB of free disk${where}, a gateway needs ${freeDiskFloorBytes / 1024 ** 2} MB. Free some, for example with \`docker image prune\``,
  );
}

/**
 * `Refused` when a gateway that is new is to have more disk than the host has free (S4-25): that could not be kept
 * even now. What all gateways together may take is judged by `creel doctor`.
 */
export async function demandPromisedDisk(deps: Deps, gateway: Gateway, { freeDiskBytes }: HostFacts): Promise<void> {
  const { diskMb } = gateway.spec;
  if (freeDiskBytes === undefined || diskMb === undefined || freeDiskBytes >= diskMb * 1024 ** 2) return;
  if (await deps.engineAt(gateway.place).findVolume(names(gateway.mark).volume)) return;
  throw new Refused(
    `host ${gateway.place.host} has ${gigabytes(freeDiskBytes)} of free disk, and the spec asks for disk = ${JSON.stringify(sizeText(diskMb))}. Ask for less, free some, or choose a larger host`,
  );
}

/** `Refused` when every subnet that a gateway without a network could get would hide something the host reaches now. */
export async function demandSubnet(deps: Deps, gateway: Gateway, { routes }: HostFacts): Promise<void> {
  if (routes === undefined) return;
  const { network } = names(gateway.mark);
  let hidden: ReturnType<typeof hiddenRoute>;
  for (const { subnet } of slotsFor(deps.pool, network)) {
    hidden = hiddenRoute(subnet, routes);
    if (!hidden) return;
  }
  if (!hidden || (await deps.engineAt(gateway.place).findNetworks(network)).length > 0) return;
  throw new Refused(
    `subnet pool ${deps.pool.cidr} hides the route of host ${gateway.place.host} to ${hidden.cidr} (${hidden.device}): what is there could not be reached any more. Give the worker a pool that the host does not use (CREEL_SUBNET_POOL); see docs/runbook.md#host-full`,
  );
}

/**
 * `Refused` when the user of all gateways has too few inotify instances left for one more, whose config and skills
 * would then go unwatched.
 */
export async function demandWatchers(deps: Deps, gateway: Gateway, { watchers }: HostFacts): Promise<void> {
  if (!watchers) return;
  const engine = deps.engineAt(gateway.place);
  if (await engine.findContainer(names(gateway.mark).container)) return;
  const used = watchers.used ?? (await otherContainers(deps, gateway)).length * watchersPerGateway;
  if (used + watchersPerGateway <= watchers.limit) return;
  const enough = Math.max(1024, watchers.limit * 2);
  throw new Refused(
    `host ${gateway.place.host} lets user ${gatewayUser}, whose processes all gateways are, watch files ${watchers.limit} times, and ${used} are taken: one more gateway needs ${watchersPerGateway}. Raise it there: \`sysctl -w fs.inotify.max_user_instances=${enough}\`, and in /etc/sysctl.d so that it stays`,
  );
}
