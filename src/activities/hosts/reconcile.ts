import { carries, names, type Gateway } from '../../domain/gateway/gateway.js';
import type { Standing } from '../../domain/sweep/judge.js';
import { driftsOf, type Present } from '../../domain/reconcile/drift.js';
import type { Description } from '../../wire/description.js';
import type { Drifted, DriftPage, ReconcileStart } from '../../wire/reconcile.js';
import type { Deps } from '../../world/deps.js';
import { findEnginesToAsk, placeOn } from './sweep.js';

export type DriftAsked = Standing & {
  /** Begins after this gateway; at the first one when empty. */
  readonly after: string;
  /** So many gateways at most. */
  readonly limit: number;
};

/** The engines of the deployment, and what the last reconciliation handed on. */
export async function findReconciled(deps: Deps): Promise<ReconcileStart> {
  const [engines, memory] = await Promise.all([findEnginesToAsk(deps), deps.records.lastReconcile()]);
  return { engines, ...(memory && { memory }) };
}

/** Of one page of the gateways that stand on an engine, those that are ready by their record and not as recorded. */
export async function findUnlikeRecord(deps: Deps, asked: DriftAsked): Promise<DriftPage> {
  const all = new Set<string>();
  for (const id of [asked.engine, ...(asked.was ?? [])])
    for await (const gateway of deps.records.standingOn(id)) all.add(gateway);
  const order = [...all].toSorted();
  const page = order.filter((gateway) => gateway > asked.after).slice(0, asked.limit);
  const drifted: Drifted[] = [];
  let ready = 0;
  for (const gateway of page) {
    deps.signal()?.throwIfAborted();
    const found = await driftOn(deps, gateway, asked);
    if (found) ready += 1;
    if (found && found.drifts.length > 0) drifted.push(found);
  }
  const last = page.at(-1);
  return { ready, drifted, ...(last !== undefined && last !== order.at(-1) && { next: last }) };
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

function settledLife(
  told: Description | undefined,
  { engine, was = [] }: Standing,
): { readonly life: Gateway; readonly imageId: string; readonly last: number | undefined } | undefined {
  if (!told?.life || !told.record || told.phase !== 'ready' || told.running || told.queue.length > 0) return undefined;
  if (![engine, ...was].includes(told.life.place.engine ?? '')) return undefined;
  return { life: told.life, imageId: told.record.imageId, last: told.last?.operation };
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

export type RepairAsked = Pick<Drifted, 'gateway' | 'birth' | 'engine'> & { readonly run: string };

/**
 * Asks a gateway for a repair with the spec on record, as `creel provision` does; one request in a run. Answers why
 * nothing was asked; nothing when it was.
 */
export async function requestRepair(deps: Deps, { gateway, birth, run }: RepairAsked): Promise<string | undefined> {
  const requestId = `${run}-${gateway}`.slice(0, 200);
  if (await deps.records.standing(gateway, requestId)) return undefined; // By an attempt that nobody heard the end of.
  const told = await deps.records.describe(gateway);
  const life = told?.life;
  if (!life || life.mark.birth !== birth || told.phase !== 'ready') return 'it is not ready any more';
  const asked = await deps.records.request(gateway, {
    kind: 'provision',
    requestId,
    origin: run,
    spec: life.spec,
    place: life.place,
    birth,
    how: 'new',
  });
  return asked ? undefined : 'it has no record any more';
}
