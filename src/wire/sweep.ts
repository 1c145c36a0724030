import { defineQuery } from '@temporalio/workflow';
import type { Mark } from '../domain/gateway/gateway.js';
import type { Inventory } from '../domain/sweep/halt.js';
import type { Thing } from '../domain/sweep/thing.js';
import type { Limits } from './limits.js';

/** A thing on an engine, as a sweep speaks of it. */
export type Named = Pick<Thing, 'kind' | 'name'> &
  Pick<Mark, 'gateway' | 'birth'> & {
    readonly engine: string;
    /** It may hold what a customer has nowhere else. */
    readonly state: boolean;
  };

/** A thing that goes, with the proof, or why it stays after all. */
export type Gone = Named & { readonly proof: string; readonly stays?: string };

/** A thing that is reported, and since when (epoch ms) it has been. `lost`: no record speaks for it. */
export type Reported = Named & { readonly reason: string; readonly lost: boolean; readonly since?: number };

/** What one page of an engine holds that is not owned. */
export type SweepPage = {
  readonly things: number;
  readonly lives: number;
  readonly remove: readonly Gone[];
  readonly report: readonly Reported[];
  /** Things of other deployments, by deployment. */
  readonly foreign: Readonly<Record<string, number>>;
  /** The life after which the next page begins; absent on the last one. */
  readonly next?: string;
};

/** An engine that a sweep goes over, or why it cannot. */
export type SweptEngine = { readonly engine: string; readonly was?: readonly string[]; readonly attended: boolean };

/** What one sweep hands on to the next. */
export type SweepMemory = {
  readonly inventory: Inventory;
  /** Fingerprints of what was reported, and since when (epoch ms). */
  readonly reported: readonly (readonly [key: string, since: number])[];
};

/** What a sweep is started with; a schedule says no more than `dryRun`. */
export type SweepInput = {
  readonly dryRun: boolean;
  /** How many things may go in this run, by the word of a person who has seen the plan. */
  readonly mayGo?: number;
  /** Looks at what carries the mark of this gateway alone; such a run is a dry one. */
  readonly only?: string;
  readonly limits?: Limits;
  /** Lives in one page; the usual number when absent. */
  readonly page?: number;
  /** After which time unowned containers are stopped; the usual one when absent. */
  readonly graceMs?: number;
};

export type SweepResult = {
  readonly outcome: 'done' | 'halted';
  /** Why it halted; empty when it did not. */
  readonly reason: string;
  readonly dryRun: boolean;
  readonly engines: readonly { readonly engine: string; readonly things: number; readonly lives: number }[];
  /** Engines that were not looked at, and why. */
  readonly unasked: readonly { readonly engine: string; readonly reason: string }[];
  readonly foreign: Readonly<Record<string, number>>;
  /** What went, or would go; what stays after all says why. */
  readonly removed: readonly Gone[];
  /** Containers that were stopped, or would be. */
  readonly stopped: readonly Named[];
  /** By name, the first of them. */
  readonly reported: readonly Reported[];
  readonly counts: { readonly remove: number; readonly stop: number; readonly report: number; readonly news: number };
  readonly memory: SweepMemory;
};

/** How far a sweep is, in one sentence. */
export const sweepQuery = defineQuery<string>('sweep');
