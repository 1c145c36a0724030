import { counted, sizeText } from '../amounts.js';
import { fingerprint } from '../fingerprint.js';
import { hostsNamed } from '../thresholds.js';
import { whyUnfenced, type FenceWord } from './fence-trial.js';
import { readPromise, writePromise, type Promised } from './promise-line.js';

/** What a gateway takes of its host. */
export type Need = { readonly memoryMb: number; readonly cpus: number; readonly diskMb: number };

/** What a host has to promise; `diskMb` is undefined where its settings name none and its disk cannot be seen. */
export type Capacity = {
  readonly host: string;
  readonly version: string;
  readonly memoryMb: number;
  /** Its processors times its overcommit factor. */
  readonly cpus: number;
  readonly diskMb: number | undefined;
  /** As its settings have it. */
  readonly cordoned: boolean;
  /** How its fence was when it was last tried; absent where it never was. */
  readonly fence?: FenceWord;
};

/** A host's page of the ledger: what it has, and to whom it is promised. */
export type LedgerHost = {
  readonly engine: string;
  readonly capacity: Capacity;
  /** By an operator's word; as the settings have it when absent. */
  readonly cordoned?: boolean;
  readonly promises: ReadonlyMap<string, Promised>;
};

/** Every host that was looked at, by its engine's id. */
export type Ledger = ReadonlyMap<string, LedgerHost>;

/** The life that a promise is made to. */
export type Whose = { readonly gateway: string; readonly birth: string };

/** Who is to be placed, with what, and where it can be: the engines that answer now, or the one that was named. */
export type Placing = Whose & {
  readonly need: Need;
  readonly engines: readonly string[];
  /** Engines that do not answer now. */
  readonly silent: readonly string[];
  /** How many gateways all hosts together may have, where the settings say it. */
  readonly ceiling?: number;
  /** Whether its host has to be fenced. */
  readonly fenced?: true;
  /** It, or its state, stands on that one engine already: whether new ones are kept off there is not asked. */
  readonly stands?: true;
};

/** Letters that tell one life from another: two of ten thousand lives are alike in one of two million fleets. */
const keyLength = 9;

/** A life in nine letters, under which its promise stands. */
export function keyOf({ gateway, birth }: Whose): string {
  return fingerprint(`${gateway}/${birth}`).slice(-keyLength);
}

/**
 * The engine on which a life is to stand, with the ledger in which that is promised: the one that was promised before,
 * however often it is asked, or else the one with the most room left in proportion. Who asks for more than was promised
 * gets it there or nowhere. Or why there is none: each host and what it lacks. The ledger is never changed by a refusal,
 * and no host is promised beyond its capacity.
 */
export function place(
  ledger: Ledger,
  placing: Placing,
): { readonly engine: string; readonly ledger: Ledger } | { readonly refused: string } {
  const key = keyOf(placing);
  const before = [...ledger.values()].find(({ promises }) => promises.has(key));
  const stays = before && placing.engines.includes(before.engine);
  if (stays && covers(before.promises.get(key)?.need, placing.need)) return { engine: before.engine, ledger };
  const others = promise(ledger, placing, '', nothing);
  const tooMany = whyTooMany(placing.gateway, placing.ceiling, gatewaysIn(others));
  if (tooMany !== undefined) return { refused: tooMany };
  const engines = stays ? [before.engine] : placing.engines;
  const asked = engines.flatMap((engine) => others.get(engine) ?? []);
  const open = placing.stands ? asked.map((host) => ({ ...host, cordoned: false })) : asked;
  const fit = open.filter((host) => lacks(host, placing) === undefined);
  const [best] = fit.toSorted(
    (one, other) =>
      Number(isOpen(one, placing)) - Number(isOpen(other, placing)) ||
      roomAfter(other, placing.need) - roomAfter(one, placing.need) ||
      (one.engine < other.engine ? -1 : 1),
  );
  if (best) return { engine: best.engine, ledger: promise(ledger, placing, best.engine, placing.need) };
  return { refused: placing.stands ? refusalThere(placing, open) : refusal(others, { ...placing, engines }, open) };
}

const nothing: Need = { memoryMb: 0, cpus: 0, diskMb: 0 };

function covers(promised: Need | undefined, need: Need): boolean {
  if (!promised) return false;
  return promised.memoryMb >= need.memoryMb && promised.cpus >= need.cpus && promised.diskMb >= need.diskMb;
}

/**
 * The page that is meant by an engine of which is told. One that the ledger has under no such id is the one on which the
 * life has its promise: records name engines by ids that they had before.
 */
export function pageOf(ledger: Ledger, whose: Whose, told: string): string {
  if (ledger.has(told)) return told;
  const key = keyOf(whose);
  return [...ledger.values()].find(({ promises }) => promises.has(key))?.engine ?? told;
}

/** The ledger once a life takes this much of an engine, and nothing of any other; nothing at all of an empty need. */
export function promise(ledger: Ledger, whose: Whose, engine: string, need: Need): Ledger {
  const key = keyOf(whose);
  const isNone = need.memoryMb === 0 && need.cpus === 0 && need.diskMb === 0;
  return new Map(
    [...ledger].map(([id, host]) => {
      const promises = new Map(host.promises);
      promises.delete(key);
      if (id === engine && !isNone) promises.set(key, { need, seen: 'no' });
      return [id, { ...host, promises }];
    }),
  );
}

/** What all promises of a host come to. */
export function promisedOf({ promises }: LedgerHost): Need {
  let [memoryMb, cpus, diskMb] = [0, 0, 0];
  for (const { need } of promises.values()) {
    memoryMb += need.memoryMb;
    cpus += need.cpus;
    diskMb += need.diskMb;
  }
  return { memoryMb, cpus: Math.round(cpus * 100) / 100, diskMb };
}

/**
 * The disk that there is to promise where the settings name none: what is free of it, with what was promised of it, and
 * no more than was seen before, because what is promised and not used yet is free as well. A disk that grew has at least
 * what is free of it now.
 */
export function diskThere(freeMb: number, promisedMb: number, beforeMb: number | undefined): number {
  return Math.max(freeMb, Math.min(beforeMb ?? Infinity, freeMb + promisedMb));
}

/** The ledger once the fence of an engine was tried. One that it does not know yet is looked at when it is asked for. */
export function withFence(ledger: Ledger, engine: string, fence: FenceWord): Ledger {
  const host = ledger.get(engine);
  return host ? new Map([...ledger, [engine, { ...host, capacity: { ...host.capacity, fence } }]]) : ledger;
}

/** How many gateways a host has, without those of which only a state is kept. */
export function gatewaysOf({ promises }: LedgerHost): number {
  return [...promises.values()].filter(({ need }) => need.memoryMb > 0).length;
}

function gatewaysIn(ledger: Ledger): number {
  return [...ledger.values()].reduce((sum, host) => sum + gatewaysOf(host), 0);
}

/** Why one more gateway would be too many beside so many others; undefined where it may come, or there is no ceiling. */
export function whyTooMany(gateway: string, ceiling: number | undefined, there: number): string | undefined {
  if (ceiling === undefined || there < ceiling) return undefined;
  return `${gateway} would be above the ceiling: the hosts may have ${counted(ceiling, 'gateway')} together, and have ${there}. Remove some, or raise it ([ceiling] in hosts.toml); see docs/runbook.md#ceiling-reached`;
}

/** Whether new gateways are kept off a host. */
export function isCordoned({ cordoned, capacity }: LedgerHost): boolean {
  return cordoned ?? capacity.cordoned;
}

/**
 * The page of a host once it was counted anew: what records and engine say counts. What was promised since the count
 * began stays as it is, and what neither knows yet stays until the next count: its gateway may be about to begin.
 */
export function recounted(
  host: LedgerHost,
  found: ReadonlyMap<string, Need>,
  sinceThen: ReadonlySet<string>,
): LedgerHost {
  const promises = new Map<string, Promised>();
  for (const [key, promised] of host.promises) {
    if (sinceThen.has(key)) promises.set(key, promised);
    else if (!found.has(key) && promised.seen === 'no') promises.set(key, { ...promised, seen: 'missed' });
  }
  for (const [key, need] of found) if (!sinceThen.has(key)) promises.set(key, { need, seen: 'yes' });
  return { ...host, promises };
}

/** An engine, and the ids that it had before. */
export type Renamed = { readonly engine: string; readonly was: readonly string[] };

/**
 * The ledger once engines are known by other ids: what was promised, and whether an operator keeps new ones off, goes to
 * the page of the id that an engine has now. A former id without a page of the present one keeps its own until there is one.
 */
export function renamed(ledger: Ledger, engines: readonly Renamed[]): Ledger {
  const next = new Map(ledger);
  for (const { engine, was } of engines)
    for (const former of was) {
      const [before, now] = [next.get(former), next.get(engine)];
      if (!before || !now) continue;
      const cordoned = now.cordoned ?? before.cordoned;
      const promises = new Map([...before.promises, ...now.promises]);
      next.set(engine, { ...now, promises, ...(cordoned !== undefined && { cordoned }) });
      next.delete(former);
    }
  return next;
}

/** A page in the form in which it is carried. */
export type CarriedHost = Omit<LedgerHost, 'promises'> & { readonly promises: string };

/** The ledger as it is carried: 21 bytes a life, so that ten thousand fit in what a server takes at once (256 KB). */
export function carryLedger(ledger: Ledger): CarriedHost[] {
  return [...ledger.values()].map((host) => ({
    ...host,
    promises: [...host.promises].map(([key, promised]) => key + writePromise(promised)).join(''),
  }));
}

const lineLength = keyLength + writePromise({ need: { memoryMb: 0, cpus: 0, diskMb: 0 }, seen: 'no' }).length;

/** The ledger that was carried. */
export function readLedger(carried: readonly CarriedHost[]): Ledger {
  return new Map(carried.map((host) => [host.engine, { ...host, promises: readPromises(host.promises) }]));
}

/** Promises as they are carried, by the keys of their lives. */
function readPromises(text: string): Map<string, Promised> {
  const lines = Array.from({ length: text.length / lineLength }, (_, index) =>
    text.slice(index * lineLength, (index + 1) * lineLength),
  );
  return new Map(lines.map((line) => [line.slice(0, keyLength), readPromise(line.slice(keyLength))]));
}

/** What was counted, in the form in which it is carried. */
export function carryCount(found: ReadonlyMap<string, Need>): string {
  return [...found].map(([key, need]) => key + writePromise({ need, seen: 'yes' })).join('');
}

/** What was counted, as it was carried. */
export function readCount(text: string): Map<string, Need> {
  return new Map([...readPromises(text)].map(([key, { need }]) => [key, need]));
}

/** How much of its scarcest part a host would have left; 1 is all of it. */
function roomAfter(host: LedgerHost, need: Need): number {
  const { memoryMb, cpus, diskMb } = host.capacity;
  const taken = promisedOf(host);
  const left = (has: number, had: number, wanted: number) => (has <= 0 ? 0 : (has - had - wanted) / has);
  return Math.min(
    left(memoryMb, taken.memoryMb, need.memoryMb),
    left(cpus, taken.cpus, need.cpus),
    ...(diskMb === undefined ? [] : [left(diskMb, taken.diskMb, need.diskMb)]),
  );
}

/**
 * Whether a host was found open to a life that is to be fenced in: it comes after those that were not. It is not refused
 * here, because somebody may have put the rules in place since; the gateway's own step tries that anew.
 */
function isOpen({ capacity: { fence } }: LedgerHost, { fenced }: Placing): boolean {
  return fenced === true && fence !== undefined && whyUnfenced(fence) !== undefined;
}

/** What keeps a life off a host; undefined where nothing does. */
function lacks(host: LedgerHost, { need }: Pick<Placing, 'need'>): string | undefined {
  if (isCordoned(host)) return 'it is cordoned';
  const { memoryMb, cpus, diskMb } = host.capacity;
  const taken = promisedOf(host);
  const short = [
    ...(taken.memoryMb + need.memoryMb > memoryMb
      ? [`memory (${sizeText(memoryMb - taken.memoryMb)} of ${sizeText(memoryMb)} left)`]
      : []),
    ...(taken.cpus + need.cpus > cpus ? [`processors (${round(cpus - taken.cpus)} of ${round(cpus)} left)`] : []),
    ...(diskMb !== undefined && need.diskMb > 0 && taken.diskMb + need.diskMb > diskMb
      ? [`disk (${sizeText(diskMb - taken.diskMb)} of ${sizeText(diskMb)} left)`]
      : []),
  ];
  return short.length === 0 ? undefined : `it lacks ${short.join(' and ')}`;
}

function round(cpus: number): number {
  return Math.round(cpus * 100) / 100;
}

function refusal(ledger: Ledger, placing: Placing, open: readonly LedgerHost[]): string {
  const { gateway, need, engines, silent } = placing;
  const nameOf = (engine: string) => ledger.get(engine)?.capacity.host ?? engine;
  const unseen = engines.filter((engine) => !ledger.has(engine));
  const reasons = [
    ...open.toSorted(byName).map((host) => `${host.capacity.host}: ${lacks(host, placing)}`),
    ...unseen.map((engine) => `${engine}: what it has could not be read`),
    ...silent.map((engine) => `${nameOf(engine)}: no worker stands beside it, or it does not answer`),
  ];
  const named = reasons.slice(0, hostsNamed).join('; ');
  const more = reasons.length > hostsNamed ? `; and ${counted(reasons.length - hostsNamed, 'other host')}` : '';
  return `no host has room for ${gateway}, which asks for ${describeNeed(need)}. ${named}${more}. Make room (\`creel hosts list\`), or ask for less; see docs/runbook.md#no-host-has-room`;
}

/** The same of one that stands there already. */
function refusalThere(placing: Placing, [host]: readonly LedgerHost[]): string {
  const { gateway, need, engines } = placing;
  const where = host?.capacity.host ?? engines.join(', ');
  const why = host ? lacks(host, placing) : 'what it has could not be read';
  return `host ${where}, where ${gateway} stands, has no room for it with ${describeNeed(need)}: ${why}. Make room there (\`creel hosts describe ${where}\`), or ask for less; see docs/runbook.md#no-host-has-room`;
}

function byName({ capacity: { host: one } }: LedgerHost, { capacity: { host: other } }: LedgerHost): number {
  return one < other ? -1 : 1;
}

function describeNeed({ memoryMb, cpus, diskMb }: Need): string {
  const disk = diskMb > 0 ? ` and ${sizeText(diskMb)} of disk` : '';
  return `${sizeText(memoryMb)} of memory, ${counted(cpus, 'processor')}${disk}`;
}
