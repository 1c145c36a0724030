import { carries, names, type Gateway } from '../../domain/gateway/gateway.js';
import type { Place } from '../../domain/hosts/place.js';
import { machineIn, placeOn } from '../../domain/hosts/region.js';
import type { Standing } from '../../domain/sweep/judge.js';
import { driftsOf, type Present } from '../../domain/reconcile/drift.js';
import type { Drifted, DriftPage, ReconcileStart } from '../../wire/reconcile.js';
import type { Deps } from '../../world/deps.js';
import { findRegionsOnRecord } from './regions.js';
import { pageOn, settledLife, type PageAsked, type SettledLife } from './settled-life.js';
import { findEnginesToAsk } from './sweep.js';

/** The engines of the deployment, and what the last reconciliation handed on. */
export async function findReconciled(deps: Deps): Promise<ReconcileStart> {
  const [engines, memory] = await Promise.all([findEnginesToAsk(deps), deps.records.lastReconcile()]);
  return { engines: [...engines, ...(await findRegionsOnRecord(deps))], ...(memory && { memory }) };
}

/** Of one page of the gateways that stand on an engine, those that are ready by their record and not as recorded. */
export async function findUnlikeRecord(deps: Deps, asked: PageAsked): Promise<DriftPage> {
  const { page, next } = await pageOn(deps, asked);
  const drifted: Drifted[] = [];
  let ready = 0;
  for (const gateway of page) {
    deps.signal()?.throwIfAborted();
    const found = await driftOn(deps, gateway, asked);
    if (found) ready += 1;
    if (found && found.drifts.length > 0) drifted.push(found);
  }
  return { ready, drifted, ...(next !== undefined && { next }) };
}

/** Whether a gateway is as its record says; undefined for one that is not ready, or is being worked on. */
async function driftOn(deps: Deps, id: string, on: Standing): Promise<Drifted | undefined> {
  return driftIn(deps, id, on, (settled) => engineDrifts(deps, settled, placeOn(on.engine)));
}

/** The same by any look; whatever it finds is its own doing where something began meanwhile. */
export async function driftIn(
  deps: Deps,
  id: string,
  on: Standing,
  look: (settled: SettledLife) => Promise<string[]>,
): Promise<Drifted | undefined> {
  const before = settledLife(await deps.records.describe(id), on);
  if (!before) return undefined;
  const { life } = before;
  const drifts = await look(before);
  if (drifts.length > 0) {
    const after = settledLife(await deps.records.describe(id), on);
    if (!after || JSON.stringify(after) !== JSON.stringify(before)) return undefined;
  }
  const repairs = life.spec.repair === 'scheduled';
  const machine = machineIn(life.place);
  const whose = { gateway: id, birth: life.mark.birth, engine: on.engine, ...(machine && { machine }) };
  return { ...whose, drifts, repairs };
}

/** In what the container, the volume and the network of a gateway are not as recorded, on the engine of this place. */
export async function engineDrifts(deps: Deps, { life, imageId }: SettledLife, place: Place): Promise<string[]> {
  const { memoryMb, cpus } = life.spec;
  return driftsOf({ ...names(life.mark), imageId, memoryMb, cpus }, await presentOf(deps, life, place));
}

async function presentOf(deps: Deps, { mark }: Gateway, place: Place): Promise<Present> {
  const engine = deps.engineAt(place);
  const own = names(mark);
  const [container, volume, networks] = await Promise.all([
    engine.findContainer(own.container),
    engine.findVolume(own.volume),
    engine.findNetworks(own.network),
  ]);
  return {
    container: container && carries(container.labels, mark) ? container : undefined,
    volume: volume !== undefined && carries(volume.labels, mark),
    network: networks.some(({ labels }) => carries(labels, mark)),
  };
}
