import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { FleetPlan, Member } from '../domain/fleet/fleet.js';
import type { Limits } from './limits.js';

/**
 * How a gateway came out of a run over the fleet. `failed`: undone, left, stopped or without an answer, see the reason; `parked`: an operator is
 * asked; `withdrawn`: it had not begun in time; `refused`: by the gateway itself. These four count against the share that may
 * fail. `gone`: removed meanwhile; `not begun`: the run ended before its turn; `left out`: it does not take part.
 */
export type FleetEndKind = 'done' | 'failed' | 'parked' | 'withdrawn' | 'refused' | 'gone' | 'not begun' | 'left out';

/** How many gateways came to which end. */
export type FleetCounts = Readonly<Partial<Record<FleetEndKind, number>>>;

export type FleetEnd = { readonly gateway: string; readonly end: FleetEndKind; readonly reason: string };

/** What a run over the fleet is started with. */
export type FleetInput = {
  readonly layout: 1;
  /** Names the run: what it asks of a gateway is one request however often it is asked. */
  readonly run: string;
  readonly origin: string;
  readonly plan: FleetPlan;
  /** The key that the next generations are derived from; the deployment's first one when absent. */
  readonly keyId?: string;
  /** A rotation of that key: every gateway that it is not derived from takes part, and no other. */
  readonly rekey?: true;
  readonly limits: Limits;
};

/** How a run over the fleet stands. Every gateway is counted once; named are those of the page under way, and the ends that matter most. */
export type FleetStatus = {
  readonly run: string;
  readonly phase: 'looking' | 'canary' | 'rotating' | 'paused' | 'stopping' | 'ended';
  readonly reason: string;
  /** How many take part. */
  readonly size: number;
  readonly waiting: readonly string[];
  readonly open: readonly string[];
  readonly ends: readonly FleetEnd[];
  /** Absent in what older versions say: there `ends` names all. */
  readonly counts?: FleetCounts;
  /** How many are still to be looked at again, at their turn. */
  readonly ahead?: number;
  /** That gateways came or went while it ran. */
  readonly change?: string;
};

/** `done`: it went through the fleet, within the share that may fail; `stopped`: too many failed; `aborted`: by an operator's word. */
export type FleetResult = {
  readonly outcome: 'done' | 'stopped' | 'aborted';
  readonly reason: string;
  readonly run: string;
  /** Gateways by name, those that failed before others. */
  readonly ends: readonly FleetEnd[];
  /** Every gateway, once; absent in what older versions said, where `ends` names all. */
  readonly counts?: FleetCounts;
  readonly size?: number;
  readonly change?: string;
};

/** What the activities of a run are told about one gateway. */
export type FleetAsk = Member & {
  readonly run: string;
  readonly origin: string;
  readonly latestStart: number;
  readonly keyId?: string;
  /** How long its end is waited for. */
  readonly limitMs: number;
};

/** What came of asking or waiting: an end, or that it waits and is to be taken back. */
export type FleetWatched =
  | { readonly state: 'asked' }
  | { readonly state: 'waits'; readonly end: FleetEndKind; readonly reason: string }
  | { readonly state: 'ended'; readonly end: FleetEndKind; readonly reason: string };

export type FleetWord = { readonly word: 'pause' | 'resume' | 'abort'; readonly origin: string };

/** An operator's word to a run over the fleet. */
export const fleetWordUpdate = defineUpdate<void, [FleetWord]>('word');

export const fleetStatusQuery = defineQuery<FleetStatus>('status');

/** How many came to which end, also of what an older version says. */
export function countsOf({
  counts,
  ends,
}: {
  readonly counts?: FleetCounts;
  readonly ends: readonly FleetEnd[];
}): FleetCounts {
  if (counts) return counts;
  const counted: Record<string, number> = {};
  for (const { end } of ends) counted[end] = (counted[end] ?? 0) + 1;
  return counted;
}
