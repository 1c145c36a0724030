import { demandNoSecrets } from '../config/extras.js';
import { demandOwnBots } from '../config/bot-claims.js';
import { storedTokens } from '../config/channel-tokens.js';
import { secretsIn } from '../../../domain/secret-files.js';
import { Refused } from '../../../domain/errors.js';
import { names, readMark, type Gateway } from '../../../domain/gateway/gateway.js';
import type { Place } from '../../../domain/hosts/place.js';
import { demandFit } from '../../../domain/hosts/engine.js';
import { describeLives, type Life, type Living } from '../../../domain/gateway/life.js';
import { findRelease } from '../../../domain/release/release.js';
import type { DockerEngine } from '../../../ports/docker-engine.js';
import type { Deps } from '../../../world/deps.js';
import { demandState } from '../kept-state.js';
import { demandOurs, runs } from '../ours.js';
import { checkImage, demandDevImage } from '../release.js';
import { demandCpus, demandDisk, demandPromisedDisk, demandSubnet, demandWatchers } from './limits.js';
import { demandMemory } from './memory.js';
import { demandNewestKey } from './newest-key.js';
import { storedChecks } from './stored.js';
import { ownTokens } from '../door/known-secrets.js';
import { catalogueOf } from '../catalogue.js';

/**
 * Refuses, before anything exists, what only the world knows: host, disk, memory, release, plugins, stored secrets,
 * names that others took, an earlier life of the same id, the key it is derived from, and a kept state that is gone.
 * What only a start needs is not demanded of a gateway that runs.
 */
export async function ensureHost(deps: Deps, gateway: Living): Promise<void> {
  await demandState(deps, gateway);
  if (await runs(deps, gateway)) return checkOwn(deps, gateway);
  await demandHost(deps, gateway);
}

/** The same, in full, for the next spec of a gateway that may run. */
export async function demandHost(deps: Deps, gateway: Gateway): Promise<void> {
  await Promise.all([checkOwn(deps, gateway), checkResources(deps, gateway), checkRelease(deps, gateway)]);
}

/** Nothing of another owner, no earlier life, and the key is here. */
async function checkOwn(deps: Deps, gateway: Gateway): Promise<void> {
  await Promise.all([
    checkNames(deps.engineAt(gateway.place), gateway),
    checkEarlierLives(deps, gateway),
    checkKey(deps, gateway),
  ]);
}

/** The release is in the catalogue, its image fits, and what channels and models refer to is stored, in the right form. */
async function checkRelease(deps: Deps, gateway: Gateway): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const release = findRelease(await catalogueOf(deps), gateway.spec.release, gateway.spec.dev);
  const image = await engine.findImage(release.image);
  if (!image && release.dev) await demandDevImage(deps, gateway.place, release);
  if (image) checkImage(release, image, gateway);
  for (const check of storedChecks(deps, gateway)) await check();
  demandNoSecrets(gateway, ownTokens(deps, gateway));
  await demandOwnBots(deps, gateway, secretsIn(await storedTokens(deps, gateway)));
}

/** The lives of one gateway that exist on the engine, for a record that does not know them. */
export async function findLives(
  deps: Deps,
  asked: { deployment: string; gateway: string; place: Place },
): Promise<Life[]> {
  const lives = new Map<string, string[]>();
  for (const resource of await deps.engineAt(asked.place).listMarked()) {
    const mark = readMark(resource.labels);
    if (mark?.deployment !== asked.deployment || mark.gateway !== asked.gateway) continue;
    lives.set(mark.birth, [...(lives.get(mark.birth) ?? []), `${resource.kind} ${resource.name}`]);
  }
  return [...lives].map(([birth, resources]) => ({ birth, resources: resources.toSorted() }));
}

/** The key is here; a life of which nothing exists yet must begin with the newest key. */
async function checkKey(deps: Deps, gateway: Gateway): Promise<void> {
  deps.keys.of(gateway);
  if (await deps.engineAt(gateway.place).findVolume(names(gateway.mark).volume)) return;
  await demandNewestKey(deps, gateway);
}

/**
 * Whether the host has what the spec asks for: an engine that can enforce it, processors, memory, disk, a subnet,
 * watchers.
 */
async function checkResources(deps: Deps, gateway: Gateway): Promise<void> {
  const host = await deps.hosts.readHost(gateway.place);
  demandFit(host.engine, `host ${gateway.place.host}`);
  demandCpus(gateway, host.cpus);
  await demandMemory(deps, gateway, host);
  demandDisk(gateway, host);
  await demandPromisedDisk(deps, gateway, host);
  await demandSubnet(deps, gateway, host);
  await demandWatchers(deps, gateway, host);
}

async function checkNames(engine: DockerEngine, gateway: Gateway): Promise<void> {
  const own = names(gateway.mark);
  const [container, writer, volume, networks] = await Promise.all([
    engine.findContainer(own.container),
    engine.findContainer(own.writer),
    engine.findVolume(own.volume),
    engine.findNetworks(own.network),
  ]);
  demandOurs('container', own.container, container?.labels, gateway);
  demandOurs('container', own.writer, writer?.labels, gateway);
  demandOurs('volume', own.volume, volume?.labels, gateway);
  for (const network of networks) demandOurs('network', own.network, network.labels, gateway);
}

async function checkEarlierLives(deps: Deps, gateway: Gateway): Promise<void> {
  const { deployment, gateway: id, birth } = gateway.mark;
  const others = (await findLives(deps, { deployment, gateway: id, place: gateway.place })).filter(
    (life) => life.birth !== birth,
  );
  if (others.length > 0) throw new Refused(describeLives(id, others));
}
