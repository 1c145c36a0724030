import { carries, names, type Gateway } from '../../domain/gateway/gateway.js';
import { placeOn } from '../../domain/hosts/region.js';
import type { Standing } from '../../domain/sweep/judge.js';
import { driftsOf, type Present } from '../../domain/reconcile/drift.js';
import type { Drifted, DriftPage, ReconcileStart } from '../../wire/reconcile.js';
import type { Deps } from '../../world/deps.js';
import { pageOn, settledLife, type PageAsked } from './settled-life.js';
import { findEnginesToAsk } from './sweep.js';

/** The engines of the deployment, and what the last reconciliation handed on. */
export async function findReconciled(deps: Deps): Promise<ReconcileStart> {
  const [engines, memory] = await Promise.all([findEnginesToAsk(deps), deps.records.lastReconcile()]);
  return { engines, ...(memory && { memory }) };
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
  const before = settledLife(await deps.records.describe(id), on);
  if (!before) return undefined;
  const { life, imageId } = before;
  const own = names(life.mark);
  const { memoryMb, cpus, repair } = life.spec;
  const present = await presentOf(deps, life, on.engine);
  const recorded = { ...own, imageId, memoryMb, cpus };
  const drifts = driftsOf(recorded, present);
  if (drifts.length > 0) {
    const after = settledLife(await deps.records.describe(id), on);
    // Something began meanwhile: what was seen is its doing.
    if (!after || JSON.stringify(after) !== JSON.stringify(before)) return undefined;
  }
  return { gateway: id, birth: life.mark.birth, engine: on.engine, drifts, repairs: repair === 'scheduled' };
}

async function presentOf(deps: Deps, { mark }: Gateway, on: string): Promise<Present> {
  const engine = deps.engineAt(placeOn(on));
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
