import type { RegionAt } from '../domain/hosts/region.js';
import type { Limits } from './limits.js';
import type { SweptEngine } from './sweep.js';

/** A gateway that its record calls ready and that is not as recorded. */
export type Drifted = {
  readonly gateway: string;
  readonly birth: string;
  readonly engine: string;
  /** The machine of its own on which it stands; absent on any other host. */
  readonly machine?: RegionAt;
  /** In what, in words. */
  readonly drifts: readonly string[];
  /** Its spec has it repaired by schedule. */
  readonly repairs: boolean;
  /** Since when (epoch ms) that is known. */
  readonly since?: number;
  /** What was done about it: `asked` for a repair, or why not. */
  readonly done?: string;
};

export type DriftPage = {
  /** Gateways that were looked at. */
  readonly ready: number;
  readonly drifted: readonly Drifted[];
  /** Machines that did not answer, and why. */
  readonly unasked?: readonly { readonly engine: string; readonly reason: string }[];
  /** The gateway after which the next page begins; absent on the last one. */
  readonly next?: string;
};

/** What one reconciliation hands on to the next: fingerprints of what it found, and since when (epoch ms). */
export type ReconcileMemory = { readonly known: readonly (readonly [key: string, since: number])[] };

/** What a reconciliation is started with; a schedule says no more than `dryRun`. */
export type ReconcileInput = {
  readonly dryRun: boolean;
  readonly limits?: Limits;
  /** Gateways in one page; the usual number when absent. */
  readonly page?: number;
};

export type ReconcileResult = {
  readonly dryRun: boolean;
  /** When it ended (RFC 3339). */
  readonly at: string;
  readonly ready: number;
  readonly unasked: readonly { readonly engine: string; readonly reason: string }[];
  /** By name, the newest of them. */
  readonly drifted: readonly Drifted[];
  readonly counts: { readonly drifted: number; readonly news: number; readonly repairs: number };
  readonly memory: ReconcileMemory;
};

export type ReconcileStart = { readonly engines: readonly SweptEngine[]; readonly memory?: ReconcileMemory };
