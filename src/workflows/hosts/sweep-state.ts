import { fingerprint } from '../../domain/fingerprint.js';
import { regionKey } from '../../domain/hosts/region.js';
import { whyHalt } from '../../domain/sweep/halt.js';
import { sweepNames, sweepRemembers, sweepRemoves } from '../../domain/thresholds.js';
import type { Gone, Named, Reported, SweepMemory, SweepPage, SweepResult, SweptEngine } from '../../wire/sweep.js';

/** How far a sweep is: plain JSON, of a size that does not grow with what there is. */
export type SweepState = {
  phase: 'looking' | 'acting' | 'telling';
  /** Engines still to be looked at, and where on the first one the next page begins. */
  engines: SweptEngine[];
  after: string;
  /** The ids that engines had before. */
  readonly was: Readonly<Record<string, readonly string[]>>;
  /** What the sweep before this one handed on; absent before the first. */
  readonly before?: SweepMemory;
  readonly looked: { engine: string; things: number; lives: number }[];
  readonly unasked: { engine: string; reason: string }[];
  foreign: Record<string, number>;
  /** What goes, the first of it by name, in the order in which it goes; how much that is; and what has gone. */
  remove: Gone[];
  stop: Named[];
  readonly removed: Gone[];
  readonly stopped: Named[];
  /** What is reported by name, and what will be remembered of all of it. */
  reported: Reported[];
  remembered: [key: string, since: number][];
  readonly counts: { remove: number; stop: number; report: number; news: number };
  /** What everything that goes costs in a month (USD); absent in what older versions carried. */
  saves?: number;
  reason: string;
};

/** A sweep that has looked at nothing yet. */
export function newSweep(engines: readonly SweptEngine[], before: SweepMemory | undefined): SweepState {
  return {
    phase: 'looking',
    engines: [...engines],
    after: '',
    was: Object.fromEntries(engines.flatMap(({ engine, was }) => (was ? [[engine, was]] : []))),
    ...(before && { before }),
    looked: [],
    unasked: [],
    foreign: {},
    remove: [],
    stop: [],
    removed: [],
    stopped: [],
    reported: [],
    remembered: [],
    counts: { remove: 0, stop: 0, report: 0, news: 0 },
    saves: 0,
    reason: '',
  };
}

/** What a page has shown; the next one begins behind it, or on the next engine. */
export function turnSweepPage(state: SweepState, page: SweepPage, now: number, graceMs: number): void {
  const [on] = state.engines;
  if (!on) return;
  const known = state.looked.find(({ engine }) => engine === on.engine);
  if (known) {
    known.things += page.things;
    known.lives += page.lives;
  } else state.looked.push({ engine: on.engine, things: page.things, lives: page.lives });
  for (const [deployment, count] of Object.entries(page.foreign))
    state.foreign[deployment] = (state.foreign[deployment] ?? 0) + count;
  for (const { engine, reason } of page.unasked ?? [])
    if (state.unasked.length < sweepNames) state.unasked.push({ engine, reason });
  state.counts.remove += page.remove.length;
  state.saves = (state.saves ?? 0) + usdOf(page.remove);
  state.remove = [...state.remove, ...page.remove].slice(0, sweepRemoves);
  const since = new Map(state.before?.reported);
  for (const each of page.report) noteReported(state, each, since, now, graceMs);
  state.after = page.next ?? '';
  if (page.next === undefined) state.engines.shift();
}

function noteReported(
  state: SweepState,
  each: Reported,
  before: ReadonlyMap<string, number>,
  now: number,
  graceMs: number,
): void {
  const key = keyOf(each);
  const known = before.get(key);
  const since = known ?? now;
  state.counts.report += 1;
  if (known === undefined) state.counts.news += 1;
  if (state.remembered.length < sweepRemembers) state.remembered.push([key, since]);
  const named = [...state.reported, { ...each, since }];
  state.reported = named.toSorted((one, other) => (other.since ?? 0) - (one.since ?? 0)).slice(0, sweepNames);
  const runsOut = each.lost && each.kind === 'container' && known !== undefined && now - known >= graceMs;
  if (!runsOut) return;
  state.counts.stop += 1;
  const { reason: _reason, lost: _lost, since: _since, ...thing } = each;
  state.stop = [...state.stop, thing].slice(0, sweepRemoves);
}

/** An engine that cannot be looked at is left out, with the reason. */
export function leaveOut(state: SweepState, reason: string): void {
  const [on] = state.engines;
  if (!on) return;
  state.unasked.push({ engine: on.engine, reason });
  const { looked, remove, stop } = state;
  const seen = looked.findIndex(({ engine }) => engine === on.engine);
  if (seen !== -1) looked.splice(seen, 1);
  const elsewhere = (each: Named) => lookedAtAs(each) !== on.engine;
  state.remove = remove.filter(elsewhere);
  state.stop = stop.filter(elsewhere);
  state.counts.remove -= remove.length - state.remove.length;
  state.saves = (state.saves ?? 0) - usdOf(remove) + usdOf(state.remove);
  state.counts.stop -= stop.length - state.stop.length;
  state.engines.shift();
  state.after = '';
}

/** Under which engine or region a thing was seen. */
function lookedAtAs({ engine, at }: Named): string {
  return at ? regionKey(at) : engine;
}

function usdOf(things: readonly Named[]): number {
  return things.reduce((sum, { monthlyUsd = 0 }) => sum + monthlyUsd, 0);
}

const order = ['container', 'volume', 'network', 'machine', 'address', 'snapshot', 'key', 'image'] as const;

/** Everything has been looked at: whether anything may be touched, and in which order it goes. */
export function decideSweep(state: SweepState, mayGo: number | undefined): void {
  const now = Object.fromEntries(state.looked.map(({ engine, lives }) => [engine, lives]));
  const sees = state.looked.reduce((sum, { things }) => sum + things, 0);
  const losable = state.remove.filter(holdsNothing).length;
  const goes = state.counts.remove + state.counts.stop - losable;
  state.reason = whyHalt({ goes, sees, now, before: state.before?.inventory ?? {} }, mayGo) ?? '';
  state.remove = state.remove.toSorted((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind));
  state.phase = 'acting';
}

/** An image can be pulled again, and what tried a fence is of no gateway: it is no loss, however much of it goes. */
function holdsNothing({ kind, gateway }: Named): boolean {
  return kind === 'image' || gateway === '';
}

/** A thing was removed, or says why it stays. */
export function noteRemoved(state: SweepState, thing: Gone, stays: string | undefined): void {
  state.remove = state.remove.filter((each) => each !== thing);
  state.removed.push(stays === undefined ? thing : { ...thing, stays });
  if (stays !== undefined) state.saves = (state.saves ?? 0) - usdOf([thing]);
}

/** A container was stopped, or has a reason to run on. */
export function noteStopped(state: SweepState, thing: Named, runsOn: string | undefined): void {
  state.stop = state.stop.filter((each) => each !== thing);
  if (runsOn === undefined) state.stopped.push(thing);
}

/** What the sweep came to. What would have gone counts as gone in a dry run, and in one that halted. */
export function sweepResult(state: SweepState, dryRun: boolean): SweepResult {
  const { reason, looked, unasked, foreign, removed, stopped, reported, counts, remove, stop, saves = 0 } = state;
  return {
    outcome: reason === '' ? 'done' : 'halted',
    reason,
    dryRun,
    engines: looked,
    unasked,
    foreign,
    removed: [...removed, ...remove].slice(0, sweepNames),
    stopped: [...stopped, ...stop].slice(0, sweepNames),
    reported,
    counts,
    ...(saves > 0 && { savesUsd: Math.round(saves * 100) / 100 }),
    memory: memoryOf(state),
  };
}

/**
 * What the next sweep compares with. One that halted hands on what it was given, so that a smaller inventory is no
 * smaller the next time; so does an engine that was not looked at.
 */
function memoryOf({ before, looked, remembered, unasked, reason }: SweepState): SweepMemory {
  const inventory = Object.fromEntries(looked.map(({ engine, lives }) => [engine, lives]));
  const kept = unasked.length > 0 ? (before?.reported ?? []) : [];
  const keys = new Set(remembered.map(([key]) => key));
  const reported = [...remembered, ...kept.filter(([key]) => !keys.has(key))].slice(0, sweepRemembers);
  return {
    inventory: reason === '' ? { ...before?.inventory, ...inventory } : { ...inventory, ...before?.inventory },
    reported,
  };
}

function keyOf({ engine, kind, name }: Named): string {
  return fingerprint(`${engine} ${kind} ${name}`).slice(0, 12);
}
