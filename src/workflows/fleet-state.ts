import type { Fleet, FleetPlan, Member } from '../domain/fleet.js';
import type { FleetEnd, FleetEndKind, FleetResult, FleetStatus } from './fleet-requests.js';

/** A gateway whose rotation was asked for, or is about to be. */
export type OpenMember = Member & { readonly latestStart: number };

/** What continue-as-new carries of a run over the fleet: plain JSON, version 1. Each gateway is in exactly one list. */
export type FleetState = {
  version: 1;
  /** How many take part. */
  size: number;
  waiting: Member[];
  open: OpenMember[];
  ends: FleetEnd[];
  paused: boolean;
  stopped?: { readonly outcome: 'stopped' | 'aborted'; readonly reason: string };
};

/** A run that has looked at its fleet and asked nobody yet. Too many that do not answer stop it before it begins. */
export function beginFleet({ members, leftOut, silent = [] }: Fleet, plan: FleetPlan): FleetState {
  const ends: FleetEnd[] = [
    ...leftOut.map((each) => ({ ...each, end: 'left out' as const })),
    ...silent.map((each) => ({ ...each, end: 'failed' as const })),
  ];
  const size = members.length + silent.length;
  const state: FleetState = { version: 1, size, waiting: [...members], open: [], ends, paused: false };
  stopBeyondShare(state, plan);
  return state;
}

/** The next gateway whose turn it is, now in the window: alone until a first one is done. Undefined when nobody's is. */
export function takeNext(state: FleetState, plan: FleetPlan, now: number): OpenMember | undefined {
  if (state.paused || state.stopped) return undefined;
  if (state.open.length >= (isCanary(state) ? 1 : plan.window)) return undefined;
  const next = state.waiting.shift();
  if (!next) return undefined;
  const member = { ...next, latestStart: now + plan.beginWithinMs };
  state.open.push(member);
  return member;
}

/** A gateway of the window has come to its end. More failures than the plan allows stop the rest, and so does one before any is done. */
export function endMember(state: FleetState, plan: FleetPlan, end: FleetEnd): void {
  state.open = state.open.filter(({ gateway }) => gateway !== end.gateway);
  state.ends.push({ ...end, reason: end.reason.slice(0, reasonLength) });
  if (state.stopped || !isFailure(end.end)) return;
  if (isCanary(state)) stopFleet(state, 'stopped', `the first one failed: ${end.gateway}: ${end.end}`);
  else stopBeyondShare(state, plan);
}

function stopBeyondShare(state: FleetState, { maxFailed }: FleetPlan): void {
  const failed = state.ends.filter((each) => isFailure(each.end)).length;
  if (failed <= state.size * maxFailed) return;
  stopFleet(state, 'stopped', `${failed} of ${state.size} failed, more than ${Math.round(maxFailed * 100)} %`);
}

/** Nobody else begins. What is open comes to its end, or is taken back when it has not begun. */
export function stopFleet(state: FleetState, outcome: 'stopped' | 'aborted', reason: string): void {
  state.stopped ??= { outcome, reason: reason.slice(0, reasonLength) };
  for (const { gateway } of state.waiting) state.ends.push({ gateway, end: 'not begun', reason: state.stopped.reason });
  state.waiting = [];
}

/** Whether every gateway has come to its end. */
export function isOver(state: FleetState): boolean {
  return state.waiting.length === 0 && state.open.length === 0;
}

export function fleetResult(run: string, { stopped, ends }: FleetState): FleetResult {
  return { outcome: stopped?.outcome ?? 'done', reason: stopped?.reason ?? '', run, ends };
}

/** How a run stands; without a state it still looks at its fleet. */
export function fleetStatus(run: string, state: FleetState | undefined): FleetStatus {
  if (!state) return { run, phase: 'looking', reason: '', size: 0, waiting: [], open: [], ends: [] };
  const ids = (members: readonly Member[]) => members.map(({ gateway }) => gateway);
  const { size, ends, stopped } = state;
  const lists = { waiting: ids(state.waiting), open: ids(state.open), ends };
  return { run, phase: phaseOf(state), reason: stopped?.reason ?? '', size, ...lists };
}

function phaseOf(state: FleetState): FleetStatus['phase'] {
  if (isOver(state)) return 'ended';
  if (state.stopped) return 'stopping';
  if (state.paused) return 'paused';
  return isCanary(state) ? 'canary' : 'rotating';
}

/** Until one is done, nobody knows whether it can be. */
function isCanary(state: FleetState): boolean {
  return !state.ends.some(({ end }) => end === 'done');
}

export function isFailure(end: FleetEndKind): boolean {
  return end === 'failed' || end === 'parked' || end === 'withdrawn' || end === 'refused';
}

/** The most of a reason that a result of thousands of gateways keeps. */
const reasonLength = 200;
