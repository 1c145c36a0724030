import { Refused } from '../../domain/errors.js';
import { names, readMark } from '../../domain/gateway/gateway.js';
import { carryCount, keyOf, type Capacity, type Need, type Placing, type Renamed } from '../../domain/hosts/ledger.js';
import { fenceWord } from '../../domain/hosts/fence-trial.js';
import { isMachine, type Place } from '../../domain/hosts/place.js';
import type { KnownEngine } from '../../domain/hosts/whereabouts.js';
import { cpuOvercommit, freeDiskFloorBytes, hostReserveMb } from '../../domain/thresholds.js';
import type { Deps } from '../../world/deps.js';

/** A try to find a place: the next one asks anew, the same one is the same question. */
export type RoomAsked = Placing & {
  readonly attempt: number;
  readonly taskQueue: string;
  /** The operation that asks for more than its gateway took before; absent of the one that begins a life. */
  readonly operation?: number;
};

/** The engine that the ledger has promised to a gateway; `Refused`, naming each host and what it lacks, where there is none. */
export async function findRoom(deps: Deps, { attempt, taskQueue, operation, ...placing }: RoomAsked): Promise<string> {
  const asked = operation === undefined ? `${attempt}` : `${operation}.${attempt}`;
  const id = `${placing.gateway}/${placing.birth}/${asked}`;
  const { ceiling } = deps;
  const nowOf = presentIds(await deps.findEngines());
  const asking = { ...placing, engines: placing.engines.map(nowOf), ...(ceiling !== undefined && { ceiling }) };
  const placed = await deps.records.place(id, asking, taskQueue);
  if ('refused' in placed) throw new Refused(placed.refused);
  return placed.engine;
}

/** By which id an engine is known now, of one that it has or had. */
function presentIds(known: readonly KnownEngine[]): (engine: string) => string {
  return (engine) => known.find(({ was }) => was?.includes(engine))?.engine ?? engine;
}

/** What there is to promise, the disk that is free now, and the lives that were found. */
export type CapacitySeen = {
  readonly capacity: Capacity;
  readonly freeDiskMb: number | undefined;
  readonly lives: string;
};

/** What an engine has to promise, and to whom it is: the limits of the deployment's containers, by the keys of their lives. */
export async function findCapacity(deps: Deps, { place }: { readonly place: Place }): Promise<CapacitySeen> {
  const engine = deps.engineAt(place);
  const found = new Map<string, Need>();
  for (const { kind, name, labels } of await engine.listMarked()) {
    const mark = readMark(labels);
    if (kind !== 'container' || mark?.deployment !== deps.about.deployment || names(mark).container !== name) continue;
    const container = await engine.findContainer(name);
    if (container) found.set(keyOf(mark), { memoryMb: container.memoryMb, cpus: container.cpus, diskMb: 0 });
  }
  const { freeDiskMb, ...capacity } = await capacityOf(deps, place);
  const seen = place.engine === undefined ? undefined : deps.fences.last(place.engine);
  return { capacity: { ...capacity, ...(seen && { fence: fenceWord(seen) }) }, freeDiskMb, lives: carryCount(found) };
}

/** What the settings of a host promise, or else what it has, less what it needs itself. */
async function capacityOf(deps: Deps, place: Place): Promise<Capacity & Pick<CapacitySeen, 'freeDiskMb'>> {
  const { engine, cpus, memoryMb, freeDiskBytes, offer = {} } = await deps.hosts.readHost(place);
  const known = (await deps.findEngines()).find((each) => each.engine === place.engine);
  const freeMb = freeDiskBytes === undefined ? undefined : Math.floor((freeDiskBytes - freeDiskFloorBytes) / 1024 ** 2);
  return {
    host: known?.host ?? place.engine ?? place.host,
    version: engine.version,
    memoryMb: offer.memoryMb ?? Math.max(0, memoryMb - hostReserveMb),
    cpus: (offer.cpus ?? cpus) * (offer.overcommit ?? cpuOvercommit),
    diskMb: offer.diskMb,
    freeDiskMb: freeMb === undefined ? undefined : Math.max(0, freeMb),
    cordoned: offer.cordoned ?? false,
  };
}

/** What a count of the records found: every engine, and the lives on it. */
export type PromisedOnRecord = {
  readonly engines: readonly string[];
  readonly promised: readonly { readonly engine: string; readonly lives: string }[];
  /** Engines that had another id before; absent where none had. */
  readonly renamed?: readonly Renamed[];
};

/**
 * What all gateways take that are on record, each on its engine: one that lives what its spec says, one whose state is
 * kept its disk. And every engine beside which a worker stands.
 */
export async function findPromised(deps: Deps): Promise<PromisedOnRecord> {
  const here = await deps.hosts.findNearest();
  const known = await deps.findEngines();
  const nowOf = presentIds(known);
  const found = new Map<string, Map<string, Need>>();
  for await (const { life, phase } of deps.records.exported()) {
    deps.signal()?.throwIfAborted();
    const { mark, spec, place } = life;
    if (place.engine === undefined || isMachine(place)) continue;
    const engine = nowOf(place.engine);
    const lives = phase !== 'removed';
    const need = {
      memoryMb: lives ? spec.memoryMb : 0,
      cpus: lives ? spec.cpus : 0,
      diskMb: spec.diskMb ?? 0,
    };
    const on = found.get(engine) ?? new Map<string, Need>();
    found.set(engine, on.set(keyOf(mark), need));
  }
  const others = known.filter(({ engine, attended }) => attended && engine !== here);
  const engines = [here, ...others.map(({ engine }) => engine)];
  const renamed = known.flatMap(({ engine, was = [] }) => (was.length > 0 ? [{ engine, was }] : []));
  return {
    engines,
    ...(renamed.length > 0 && { renamed }),
    promised: [...found].map(([engine, lives]) => ({ engine, lives: carryCount(lives) })),
  };
}
