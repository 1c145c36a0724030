import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { FleetPlan, Member } from '../domain/fleet/fleet.js';
import type { Limits } from './limits.js';

/**
 * How a gateway came out of a run over the fleet. `failed`: undone, left, stopped or silent, see the reason; `parked`:
 * an operator is asked; `withdrawn`: it did not begin in time; `refused`: by the gateway itself. These four count
 * against the share that may fail. `gone`: removed meanwhile; `not begun`: the run ended before its turn; `left out`:
 * it takes no part.
 */
export type FleetEndKind = 'done' | 'failed' | 'parked' | 'withdrawn' | 'refused' | 'gone' | 'not begun' | 'left out';

/** How many gateways came to which end. */
export type FleetCounts = Readonly<Partial<Record<FleetEndKind, number>>>;

export type FleetEnd = { readonly gateway: string; readonly end: FleetEndKind; readonly reason: string };

/** What a run over the fleet is started with. */
export type FleetInput = {
  readonly layout: 1;
  /** Names the run: what it asks of a gateway is one request, however often it is repeated. */
  readonly run: string;
  readonly origin: string;
  readonly plan: FleetPlan;
  /** The key that the next generations are derived from; the deployment's first one when absent. */
  readonly keyId?: string;
  /** A rotation of the master key: exactly the gateways that are not yet derived from that key take part. */
  readonly rekey?: true;
  readonly limits: Limits;
};

/**
 * How a run over the fleet stands. Every gateway is counted once; the page under way and the ends that matter most are
 * named.
 */
export type FleetStatus = {
  readonly run: string;
  readonly phase: 'looking' | 'canary' | 'rotating' | 'paused' | 'stopping' | 'ended';
  readonly reason: string;
  /** How many take part. */
  readonly size: number;
  readonly waiting: readonly string[];
  readonly open: readonly string[];
  readonly ends: readonly FleetEnd[];
  /** Absent in reports of older versions, whose `ends` name every gateway. */
  readonly counts?: FleetCounts;
  /** How many are looked at again when their turn comes. */
  readonly ahead?: number;
  /** Says that gateways came or went during the run. */
  readonly change?: string;
};

/**
 * `done`: it went through the fleet, within the share that may fail; `stopped`: too many failed; `aborted`: by an
 * operator.
 */
export type FleetResult = {
  readonly outcome: 'done' | 'stopped' | 'aborted';
  readonly reason: string;
  readonly run: string;
  /** Gateways by name, failed ones first. */
  readonly ends: readonly FleetEnd[];
  /** Every gateway, once; absent in results of older versions, whose `ends` name every gateway. */
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
  /** How long its end is awaited. */
  readonly limitMs: number;
};

/** The result of asking or waiting: an end, or a request that has not begun and is to be withdrawn. */
export type FleetWatched =
  | { readonly state: 'asked' }
  | { readonly state: 'waits'; readonly end: FleetEndKind; readonly reason: string }
  | { readonly state: 'ended'; readonly end: FleetEndKind; readonly reason: string };

export type FleetOrder = { readonly word: 'pause' | 'resume' | 'abort'; readonly origin: string };

/** An operator's command to a run over the fleet. */
export const fleetOrderUpdate = defineUpdate<void, [FleetOrder]>('word');

export const fleetStatusQuery = defineQuery<FleetStatus>('status');

/** How many gateways came to which end, also for a report of an older version. */
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
