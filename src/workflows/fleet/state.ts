import { cut } from '../../domain/cut.js';
import type { Fleet, FleetPage, FleetPlan, FleetSurvey, LeftOut, Member } from '../../domain/fleet/fleet.js';
import { fleetNamed } from '../../domain/thresholds.js';
import {
  countsOf,
  type FleetCounts,
  type FleetEnd,
  type FleetEndKind,
  type FleetInput,
  type FleetResult,
  type FleetStatus,
} from '../../wire/fleet.js';

/** A gateway whose rotation was asked for, or is about to be. */
export type OpenMember = Member & { readonly latestStart: number };

/** What a run over the fleet is started with: by a request, or with its own state when it continues as new. */
export type FleetStart = FleetInput & { readonly state?: FleetState };

/**
 * What continue-as-new carries of a run over the fleet: plain JSON, version 1, of a size that does not grow with the fleet. Every
 * gateway is counted once; a run that an older version began holds its whole fleet in `waiting`, and has no pages.
 */
export type FleetState = {
  version: 1;
  /** How many take part, as it looked at first. */
  size: number;
  /** Those of the page under way whose turn is still to come. */
  waiting: Member[];
  open: OpenMember[];
  /** How gateways came out, by name: the first `fleetNamed`, those that failed before the others. */
  ends: FleetEnd[];
  /** How many came to which end; absent in what older versions carried, where `ends` names all. */
  counts?: FleetCounts;
  paused: boolean;
  stopped?: { readonly outcome: 'stopped' | 'aborted'; readonly reason: string };
  /** While it looks at its fleet, before anybody is asked: how far it is. */
  look?: {
    readonly after: string;
    readonly silent: number;
    readonly mute: readonly LeftOut[];
    readonly first?: Member;
  };
  /** As long as there are pages to come: where the next one begins, and who went first and is not asked again. */
  pages?: { readonly after: string; readonly canary?: string };
};

/** A run that has looked at nobody yet. */
export function newFleet(): FleetState {
  const look = { after: '', silent: 0, mute: [] };
  return { version: 1, size: 0, waiting: [], open: [], ends: [], counts: {}, paused: false, look };
}

/** The state that was carried, by this version or an older one. */
export function restoredFleet(carried: FleetState): FleetState {
  if (carried.counts) return carried;
  const state: FleetState = { ...carried, counts: {}, ends: [] };
  for (const end of carried.ends) addEnd(state, end);
  return state;
}

/** A run of an older version that has looked at its whole fleet. Too many that do not answer stop it before it begins. */
export function beginFleet({ members, leftOut, silent = [] }: Fleet, plan: FleetPlan): FleetState {
  const { look: _look, ...empty } = newFleet();
  const state: FleetState = { ...empty, size: members.length + silent.length, waiting: [...members] };
  for (const each of leftOut) addEnd(state, { ...each, end: 'left out' });
  for (const each of silent) addEnd(state, { ...each, end: 'failed' });
  stopBeyondShare(state, plan);
  return state;
}

/** Some more were looked at. After the last the first one begins, unless too many do not answer. */
export function surveyed(state: FleetState, plan: FleetPlan, { members, silent, first, after }: FleetSurvey): void {
  const { look } = state;
  if (!look) return;
  const known = look.first ?? first;
  state.size += members + silent.length;
  const named = silent.map((each) => ({ ...each, reason: cut(each.reason, reasonBytes) }));
  const mute = [...look.mute, ...named].slice(0, fleetNamed);
  const next = { silent: look.silent + silent.length, mute, ...(known && { first: known }) };
  if (after !== undefined) {
    state.look = { ...next, after };
    return;
  }
  delete state.look;
  state.waiting = known ? [known] : [];
  state.pages = { after: '', ...(known && { canary: known.gateway }) };
  if (next.silent > state.size * plan.maxFailed) stopForSilence(state, plan, next);
}

function stopForSilence(
  state: FleetState,
  { maxFailed }: FleetPlan,
  look: { silent: number; mute: readonly LeftOut[] },
) {
  for (const each of look.mute) addEnd(state, { ...each, end: 'failed' });
  state.counts = { ...state.counts, failed: look.silent };
  stopFleet(state, 'stopped', beyondShare(look.silent, state.size, maxFailed));
}

/** Whether nobody of the page under way is left and somebody could begin. */
export function wantsPage(state: FleetState, plan: FleetPlan): boolean {
  const { pages, paused, stopped, waiting, open } = state;
  return pages !== undefined && !paused && !stopped && waiting.length === 0 && open.length < windowOf(state, plan);
}

/** The next page: each gateway that takes part waits for its turn; the canary is not asked again. */
export function turnPage(state: FleetState, plan: FleetPlan, { members, leftOut, silent, after }: FleetPage): void {
  const { pages } = state;
  if (!pages || state.stopped) return;
  const isNew = ({ gateway }: { gateway: string }) => gateway !== pages.canary;
  if (after === undefined) delete state.pages;
  else state.pages = { ...pages, after };
  state.waiting = [...state.waiting, ...members.filter(isNew)];
  for (const each of leftOut.filter(isNew)) addEnd(state, { ...each, end: 'left out' });
  for (const each of silent.filter(isNew)) addEnd(state, { ...each, end: 'failed' });
  stopBeyondShare(state, plan);
}

/** The next gateway whose turn it is, now in the window: alone until a first one is done. Undefined when nobody's is. */
export function takeNext(state: FleetState, plan: FleetPlan, now: number): OpenMember | undefined {
  if (state.paused || state.stopped) return undefined;
  if (state.open.length >= windowOf(state, plan)) return undefined;
  const next = state.waiting.shift();
  if (!next) return undefined;
  const member = { ...next, latestStart: now + plan.beginWithinMs };
  state.open.push(member);
  return member;
}

/** A gateway of the window has come to its end. More failures than the plan allows stop the rest, and so does one before any is done. */
export function endMember(state: FleetState, plan: FleetPlan, end: FleetEnd): void {
  state.open = state.open.filter(({ gateway }) => gateway !== end.gateway);
  addEnd(state, end);
  if (state.stopped || !isFailure(end.end)) return;
  if (isCanary(state)) stopFleet(state, 'stopped', `the first one failed: ${end.gateway}: ${end.end}`);
  else stopBeyondShare(state, plan);
}

function stopBeyondShare(state: FleetState, { maxFailed }: FleetPlan): void {
  const failed = failuresIn(countsOf(state));
  if (failed > state.size * maxFailed) stopFleet(state, 'stopped', beyondShare(failed, state.size, maxFailed));
}

function beyondShare(failed: number, size: number, maxFailed: number): string {
  return `${failed} of ${size} failed, more than ${Math.round(maxFailed * 100)} %`;
}

/** No other gateway begins. What is open ends, or is taken back when it has not begun; gateways not reached yet are counted. */
export function stopFleet(state: FleetState, outcome: 'stopped' | 'aborted', reason: string): void {
  state.stopped ??= { outcome, reason: cut(reason, reasonBytes) };
  const unmet = aheadOf(state);
  for (const { gateway } of state.waiting) addEnd(state, { gateway, end: 'not begun', reason: state.stopped.reason });
  state.waiting = [];
  delete state.look;
  delete state.pages;
  const counts = countsOf(state);
  if (unmet > 0) state.counts = { ...counts, 'not begun': (counts['not begun'] ?? 0) + unmet };
}

/** How many take part and are in no list yet, as far as the first look knows. */
function aheadOf(state: FleetState): number {
  if (!state.pages) return 0;
  return Math.max(0, state.size - metIn(countsOf(state)) - state.open.length - state.waiting.length);
}

/** Whether every gateway has come to its end. */
export function isOver({ waiting, open, look, pages }: FleetState): boolean {
  return waiting.length === 0 && open.length === 0 && !look && !pages;
}

export function fleetResult(run: string, state: FleetState): FleetResult {
  const { stopped, ends, size } = state;
  const ended = { outcome: stopped?.outcome ?? 'done', reason: stopped?.reason ?? '', run, ends } as const;
  return { ...ended, counts: countsOf(state), size, ...changeOf(state) };
}

/** How a run stands; without a state it still looks at its fleet. */
export function fleetStatus(run: string, state: FleetState | undefined): FleetStatus {
  if (!state) return { run, phase: 'looking', reason: '', size: 0, waiting: [], open: [], ends: [] };
  const ids = (members: readonly Member[]) => members.map(({ gateway }) => gateway);
  const { size, ends, stopped } = state;
  const lists = { waiting: ids(state.waiting), open: ids(state.open), ends };
  const numbers = { counts: countsOf(state), ahead: aheadOf(state) };
  return { run, phase: phaseOf(state), reason: stopped?.reason ?? '', size, ...lists, ...numbers, ...changeOf(state) };
}

/** What came or went between the first look and the last page, once that is known. */
function changeOf(state: FleetState): { readonly change?: string } {
  if (!isOver(state) || state.stopped) return {};
  const met = metIn(countsOf(state));
  if (met === state.size) return {};
  return { change: `${state.size} took part when it looked, ${met} when it was their turn: gateways came or went` };
}

function phaseOf(state: FleetState): FleetStatus['phase'] {
  if (state.look) return 'looking';
  if (isOver(state)) return 'ended';
  if (state.stopped) return 'stopping';
  if (state.paused) return 'paused';
  return isCanary(state) ? 'canary' : 'rotating';
}

/** Until one is done, nobody knows whether it can be. */
function isCanary(state: FleetState): boolean {
  return (countsOf(state).done ?? 0) === 0;
}

function windowOf(state: FleetState, { window }: FleetPlan): number {
  return isCanary(state) ? 1 : window;
}

export function isFailure(end: FleetEndKind): boolean {
  return end === 'failed' || end === 'parked' || end === 'withdrawn' || end === 'refused';
}

/** How many failed. */
export function failuresIn(counts: FleetCounts): number {
  return sum(counts, isFailure);
}

/** How many of those that take part have come to an end. */
function metIn(counts: FleetCounts): number {
  return sum(counts, (end) => end !== 'left out');
}

function sum(counts: FleetCounts, which: (end: FleetEndKind) => boolean): number {
  const kinds = Object.keys(counts) as FleetEndKind[]; // the keys that the type has
  return kinds.filter(which).reduce((total, end) => total + (counts[end] ?? 0), 0);
}

/** Counts an end, and names it while there is room: a failure takes the place of one that is none. */
function addEnd(state: FleetState, given: FleetEnd): void {
  const end = { ...given, reason: cut(given.reason, reasonBytes) };
  const counts = countsOf(state);
  state.counts = { ...counts, [end.end]: (counts[end.end] ?? 0) + 1 };
  if (state.ends.length < fleetNamed) return void state.ends.push(end);
  const least = state.ends.findIndex((each) => worthOf(each.end) < worthOf(end.end));
  if (least < 0) return;
  state.ends.splice(least, 1);
  state.ends.push(end);
}

/** Who is to be named rather than whom. */
function worthOf(end: FleetEndKind): number {
  if (isFailure(end)) return 2;
  return end === 'left out' ? 0 : 1;
}

/** The most of a reason that a result keeps. */
const reasonBytes = 202;
