import { defineQuery } from '@temporalio/workflow';
import type { Mark } from '../domain/gateway/gateway.js';
import type { Held } from '../domain/hosts/held.js';
import type { RegionAt } from '../domain/hosts/region.js';
import type { Inventory } from '../domain/sweep/halt.js';
import type { Thing } from '../domain/sweep/thing.js';
import type { Limits } from './limits.js';

/** A thing on an engine or in a region, as a sweep speaks of it. */
export type Named = Pick<Thing, 'name'> &
  Pick<Mark, 'gateway' | 'birth'> & {
    readonly kind: Thing['kind'] | Held['kind'] | 'image';
    /** The engine's id; of what is in a region, the region: `lightsail eu-central-1`. */
    readonly engine: string;
    /** The region, and of what is on a machine's engine that machine; absent on any other engine. */
    readonly at?: RegionAt;
    /** What it costs in a month, where it costs something. */
    readonly monthlyUsd?: number;
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
  /** Machines whose engine could not be looked at, and why. */
  readonly unasked?: readonly { readonly engine: string; readonly reason: string }[];
  /** The life after which the next page begins; absent on the last one. */
  readonly next?: string;
};

/** An engine, or a region with the machines in it, that a sweep goes over; or why it cannot. */
export type SweptEngine = {
  readonly engine: string;
  readonly was?: readonly string[];
  readonly attended: boolean;
  /** Of a region. */
  readonly at?: RegionAt;
};

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
  /** What everything that went, or would go, costs in a month; absent where it costs nothing. */
  readonly savesUsd?: number;
  readonly memory: SweepMemory;
};

/** How far a sweep is, in one sentence. */
export const sweepQuery = defineQuery<string>('sweep');
