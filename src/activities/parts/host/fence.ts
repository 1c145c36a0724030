import { Bug } from '../../../domain/errors.js';
import { fenceScript } from '../../../domain/hosts/fence.js';
import {
  fenceWord,
  isFenced,
  loopbackShutFrom,
  type FenceSeen,
  type Neighbours,
} from '../../../domain/hosts/fence-trial.js';
import type { Place } from '../../../domain/hosts/place.js';
import { hiddenRoute, slotsFor, type Pool, type Route } from '../../../domain/hosts/slot.js';
import type { HostNetwork } from '../../../ports/docker-engine.js';
import type { HostFacts } from '../../../ports/host-provider.js';
import type { Deps } from '../../../world/deps.js';
import { catalogueOf } from '../catalogue.js';

/**
 * How the fence around the gateways of an engine is: as it was found within the hour, or else tried now by containers
 * that go again. Tells the ledger what was found. Undefined where no image of a release is there to try it with.
 */
export async function fenceOf(deps: Deps, place: Place): Promise<FenceSeen | undefined> {
  const { engine } = place;
  if (engine === undefined) throw new Bug(`no engine was named whose fence is to be tried`);
  const imageId = await anyImage(deps, place);
  if (imageId === undefined) return deps.fences.last(engine);
  return deps.fences.ask(engine, async () => {
    const seen = await tryAndPut(deps, place, imageId);
    await deps.records.tellFence(engine, fenceWord(seen));
    return seen;
  });
}

/** A fence that does not stand is put up where the settings say that this worker does so, and tried once more. */
async function tryAndPut(deps: Deps, place: Place, imageId: string): Promise<FenceSeen> {
  const { seen, host } = await tryFence(deps, place, imageId);
  if (!deps.putsFence || isFenced(fenceWord(seen))) return seen;
  const script = fenceScript({ pool: deps.pool.cidr, exceptions: deps.allowed });
  deps.signal()?.throwIfAborted();
  if (!(await deps.hosts.putFence(place, host, script))) return seen;
  return (await tryFence(deps, place, imageId)).seen;
}

async function tryFence(deps: Deps, place: Place, imageId: string): Promise<{ seen: FenceSeen; host: HostNetwork }> {
  const engine = deps.engineAt(place);
  const facts = await deps.hosts.readHost(place);
  const { knocked, host } = await engine.tryFence({
    deployment: deps.about.deployment,
    imageId,
    subnets: freeSubnets(deps.pool, facts.routes ?? []),
    exceptions: deps.allowed,
  });
  const neighbours = await neighboursOf(deps, place, facts, host);
  return { seen: { at: Date.now(), knocked, neighbours }, host };
}

async function anyImage(deps: Deps, place: Place): Promise<string | undefined> {
  const engine = deps.engineAt(place);
  for (const { image } of await catalogueOf(deps)) {
    const found = await engine.findImage(image);
    if (found) return found.id;
  }
  return undefined;
}

function* freeSubnets(pool: Pool, routes: readonly Route[]): Generator<string> {
  for (const { subnet } of slotsFor(pool, 'fence')) if (!hiddenRoute(subnet, routes)) yield subnet;
}

async function neighboursOf(deps: Deps, place: Place, { engine }: HostFacts, host: HostNetwork): Promise<Neighbours> {
  if (Number.parseInt(engine.version, 10) >= loopbackShutFrom) return 'engine';
  const rule = await deps.hosts.findLoopbackRule(place, host);
  if (rule === undefined) return 'unseen';
  return rule === 'there' ? 'rule' : 'open';
}
