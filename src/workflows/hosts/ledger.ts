import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  patched,
  sleep,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { CapacitySeen } from '../../activities/hosts/ledger.js';
import {
  carryLedger,
  gatewaysOf,
  isCordoned,
  diskThere,
  keyOf,
  pageOf,
  place,
  promise,
  promisedOf,
  readCount,
  readLedger,
  recounted,
  renamed,
  withFence,
  type Ledger,
  type LedgerHost,
  type Need,
  type Placing,
} from '../../domain/hosts/ledger.js';
import { ledgerCountMs, ledgerStaleMs, unansweredMs } from '../../domain/thresholds.js';
import {
  cordonedMemo,
  cordonUpdate,
  fenceSignal,
  hostsQuery,
  hostsUpdate,
  placeUpdate,
  promiseSignal,
  recountSignal,
  roomQuery,
  type Cordon,
  type HostLine,
  type LedgerStart,
  type Placed,
  type PromiseTold,
} from '../../wire/ledger.js';
import { continueAsNewSignal } from '../../wire/messages.js';
import type { Attempted } from '../../wire/operation.js';
import { fleetPolicy, lookPolicy, onEngine } from '../saga/policies.js';
import { askWhileAttended } from './ask-engine.js';

type Asking<K extends keyof Activities> = {
  [Name in K]: (...args: Parameters<Activities[Name]>) => Promise<Attempted<Awaited<ReturnType<Activities[Name]>>>>;
};

type Seen = Pick<CapacitySeen, 'capacity' | 'freeDiskMb'> & { readonly promised: ReadonlyMap<string, Need> };

/** A run takes 2,000 updates from a server; this leaves room for those that come meanwhile. */
const heardPerRun = 1_000;

/** How long the records of a whole fleet may take to be read. */
const countMs = 30 * 60_000;

/**
 * Says which host has room for a gateway, and what is promised to whom: one decision at a time, and the same one for the
 * same life. It never ends. What it holds is counted anew from engines and records when it begins, daily, and when it is
 * told to; until it has counted once, it places nobody.
 */
export async function ledger(start: LedgerStart): Promise<void> {
  setCurrentDetails('Says which host has room: `creel hosts list`. It never ends; a new one counts everything anew.');
  await CancellationScope.nonCancellable(() => new LedgerKeeper(start).keep());
}

class LedgerKeeper {
  readonly #start: LedgerStart;
  #ledger: Ledger;
  #countedAt: number;
  #wanted = false;
  #asked = false;
  #heard = 0;
  #counts = 0;
  /** Engines of which no count has said yet what is promised there. */
  readonly #met = new Set<string>();
  /** Lives whose promise changed since the count that is under way began. */
  #touched: Set<string> | undefined;

  constructor(start: LedgerStart) {
    this.#start = start;
    this.#ledger = readLedger(start.state?.hosts ?? []);
    this.#countedAt = start.state?.countedAt ?? 0;
    setHandler(placeUpdate, (placing) => this.#place(placing));
    setHandler(promiseSignal, (told) => this.#hear(told));
    setHandler(fenceSignal, ({ engine, fence }) => {
      this.#ledger = withFence(this.#ledger, engine, fence);
    });
    setHandler(cordonUpdate, (cordon) => this.#cordon(cordon));
    setHandler(hostsUpdate, async () => {
      await this.#counted();
      return this.#lines();
    });
    setHandler(hostsQuery, () => this.#lines());
    setHandler(roomQuery, (placing) => {
      const placed = place(this.#ledger, placing);
      return 'refused' in placed ? placed : { engine: placed.engine };
    });
    setHandler(recountSignal, () => {
      this.#wanted = true;
    });
    setHandler(continueAsNewSignal, () => {
      this.#asked = true;
    });
  }

  async keep(): Promise<void> {
    for (;;) {
      if (this.#wanted || Date.now() - this.#countedAt >= ledgerCountMs) await this.#countPatiently();
      const isOver = () => this.#asked || this.#heard >= heardPerRun || workflowInfo().continueAsNewSuggested;
      const due = Math.max(1, this.#countedAt + ledgerCountMs - Date.now());
      await condition(() => this.#wanted || isOver(), due);
      if (isOver() && !this.#wanted && (await this.#isSettled())) break;
    }
    const state = { version: 1, hosts: carryLedger(this.#ledger), countedAt: this.#countedAt } as const;
    const memo = { [cordonedMemo]: this.#cordoned() };
    await makeContinueAsNewFunc<typeof ledger>({ memo })({ ...this.#start, state });
  }

  /** Everybody who asked has an answer. Whoever is to be counted for meanwhile is counted for first: it waits for that. */
  async #isSettled(): Promise<boolean> {
    if (!patched('the ledger counts for whom it answers last')) {
      await condition(allHandlersFinished);
      return true;
    }
    await condition(() => this.#wanted || allHandlersFinished());
    return !this.#wanted;
  }

  async #counted(): Promise<void> {
    await condition(() => this.#countedAt > 0);
  }

  /** Everything up to the decision only looks; the decision itself waits for nothing, so no two are made at once. */
  async #place(placing: Placing): Promise<Placed> {
    this.#heard += 1;
    await this.#counted();
    for (const engine of placing.engines) if (!this.#ledger.has(engine)) await this.#meet(engine);
    let placed = place(this.#ledger, placing);
    if ('refused' in placed && (await this.#isCountedAnew())) placed = place(this.#ledger, placing);
    if ('refused' in placed) return placed;
    this.#ledger = placed.ledger;
    this.#touched?.add(keyOf(placing));
    return { engine: placed.engine };
  }

  /** Before somebody is refused for what is only believed, it is counted anew, unless it was just now. */
  async #isCountedAnew(): Promise<boolean> {
    if (Date.now() - this.#countedAt < (this.#start.staleMs ?? ledgerStaleMs)) return false;
    const whole = this.#counts + (this.#touched ? 2 : 1); // One that is under way began before this was asked.
    this.#wanted = true;
    await condition(() => this.#counts >= whole);
    return true;
  }

  #hear({ engine, need, ...whose }: PromiseTold): void {
    const page = patched('the ledger is told of former ids') ? pageOf(this.#ledger, whose, engine) : engine;
    this.#ledger = promise(this.#ledger, whose, page, need);
    this.#touched?.add(keyOf(whose));
  }

  async #cordon({ engine, cordoned }: Cordon): Promise<HostLine> {
    await this.#counted();
    if (!this.#ledger.has(engine)) await this.#meet(engine);
    const host = this.#ledger.get(engine);
    if (!host)
      throw ApplicationFailure.create({
        message: `engine ${engine} could not be read: start a worker that serves it, and ask again`,
        type: 'Refused',
        nonRetryable: true,
      });
    const now = { ...host, cordoned };
    this.#ledger = new Map([...this.#ledger, [engine, now]]);
    if (patched('the ledger shows what is cordoned')) upsertMemo({ [cordonedMemo]: this.#cordoned() });
    return lineOf(now);
  }

  /** By an operator's word, not by a host's settings. */
  #cordoned(): string[] {
    return [...this.#ledger.values()].flatMap(({ engine, cordoned }) => (cordoned ? [engine] : []));
  }

  #lines(): HostLine[] {
    return [...this.#ledger.values()].map(lineOf).toSorted((one, other) => (one.host < other.host ? -1 : 1));
  }

  /** An engine that the ledger does not know yet: what it has, and what stands on it. */
  async #meet(engine: string): Promise<void> {
    const found = await this.#look(engine);
    if (!found || this.#ledger.has(engine)) return;
    const page = recounted({ engine, capacity: found.capacity, promises: new Map() }, found.promised, new Set());
    this.#ledger = new Map([...this.#ledger, [engine, withDisk(page, found.freeDiskMb)]]);
    if (!keepsToDisk()) return;
    this.#met.add(engine);
    this.#wanted = true; // Records know of disks and of kept states there.
  }

  async #countPatiently(): Promise<void> {
    try {
      await this.#count();
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      this.#touched = undefined;
      setCurrentDetails(`could not count, and counts again in a minute: ${error.cause?.message ?? error.message}`);
      this.#wanted = true;
      await sleep('1 minute');
    }
  }

  /** Counts what is promised anew. An engine that does not answer keeps its page, with what records say of it. */
  async #count(): Promise<void> {
    this.#wanted = false;
    this.#touched = new Set();
    const policy = { ...fleetPolicy(this.#start.limits, countMs), summary: 'count what is promised' };
    const { findPromised } = proxyActivities<Asking<'findPromised'>>(policy);
    const { engines, promised, renamed: others = [] } = (await findPromised()).value;
    const found = await Promise.all(engines.map(async (engine) => ({ engine, seen: await this.#look(engine) })));
    this.#ledger = renamed(this.#ledger, others);
    const next = new Map(this.#ledger);
    for (const { engine, seen } of found) {
      const known = (this.#ledger.get(engine) ?? next.get(engine))?.capacity;
      const capacity = seen?.capacity ? { ...(known?.fence && { fence: known.fence }), ...seen.capacity } : known;
      if (!capacity) continue;
      const page = { ...(next.get(engine) ?? { engine, promises: new Map() }), capacity };
      const recorded = readCount(promised.find((each) => each.engine === engine)?.lives ?? '');
      const counted = recounted(page, more(seen?.promised ?? new Map(), recorded), this.#touched);
      const before = this.#met.has(engine) || !keepsToDisk() ? undefined : known?.diskMb;
      if (seen) this.#met.delete(engine);
      next.set(engine, seen ? withDisk(counted, seen.freeDiskMb, before) : counted);
    }
    this.#ledger = renamed(next, others);
    this.#touched = undefined;
    this.#countedAt = Date.now();
    this.#counts += 1;
  }

  /** Undefined where it cannot be read: it is left out until it can. No worker that went away is waited for. */
  async #look(engine: string): Promise<Seen | undefined> {
    const place = { provider: 'local', host: 'local', engine } as const;
    const policy = { ...lookPolicy(this.#start.limits), ...onEngine(place), summary: `look at engine ${engine}` };
    const ask = () => proxyActivities<Asking<'findCapacity'>>(policy).findCapacity({ place });
    const answer = patched('the ledger waits for no worker that went away')
      ? await askWhileAttended({ engine, attended: true }, this.#start.limits, ask, unansweredMs)
      : await answerOf(ask());
    return typeof answer === 'string' ? undefined : { ...answer, promised: readCount(answer.lives) };
  }
}

async function answerOf<T>(asking: Promise<Attempted<T>>): Promise<T | string> {
  try {
    return (await asking).value;
  } catch (error) {
    if (error instanceof ActivityFailure) return error.message;
    throw error;
  }
}

/** Whether what is promised of a disk is held to what was seen of it first. */
function keepsToDisk(): boolean {
  return patched('the ledger keeps to the disk that it saw');
}

/** A host whose settings say nothing of its disk, with what there is of it. */
function withDisk(host: LedgerHost, freeDiskMb: number | undefined, beforeMb?: number): LedgerHost {
  const { capacity } = host;
  if (capacity.diskMb !== undefined || freeDiskMb === undefined) return host;
  return { ...host, capacity: { ...capacity, diskMb: diskThere(freeDiskMb, promisedOf(host).diskMb, beforeMb) } };
}

/** What engine and records say, each life once: of memory and processors the larger, of disk what the record says. */
function more(seen: ReadonlyMap<string, Need>, recorded: ReadonlyMap<string, Need>): Map<string, Need> {
  const both = new Map(seen);
  for (const [key, need] of recorded) {
    const other = seen.get(key);
    const memoryMb = Math.max(need.memoryMb, other?.memoryMb ?? 0);
    both.set(key, { memoryMb, cpus: Math.max(need.cpus, other?.cpus ?? 0), diskMb: need.diskMb });
  }
  return both;
}

function lineOf(host: LedgerHost): HostLine {
  const { engine, capacity } = host;
  return { ...capacity, engine, promised: promisedOf(host), gateways: gatewaysOf(host), cordoned: isCordoned(host) };
}
