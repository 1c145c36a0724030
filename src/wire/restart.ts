import type { RegionAt } from '../domain/hosts/region.js';
import type { Limits } from './limits.js';

/** An engine that has begun anew, and with it whatever ran on it. */
export type RestartInput = {
  readonly layout: 1;
  readonly engine: string;
  /** The machine of a gateway's own that the engine is on; absent on any other host. */
  readonly at?: RegionAt;
  /** Former ids of the engine, by which records may still name it. */
  readonly was: readonly string[];
  /** The host as people know it. */
  readonly host: string;
  /** When the engine began, by its own clock (RFC 3339). */
  readonly upSince: string;
  readonly limits: Limits;
  /** Gateways in one page; the usual number when absent. */
  readonly page?: number;
};

/** A gateway that its record calls ready and that did not go on running when its engine began anew. */
export type Restarted = {
  readonly gateway: string;
  readonly birth: string;
  /** What was found of it. */
  readonly found: string;
  /** Why nobody may ask for its repair: then a person must look. */
  readonly unsafe?: string;
};

export type RestartedPage = {
  readonly restarted: readonly Restarted[];
  /** The gateway after which the next page begins; absent on the last one. */
  readonly next?: string;
};

/** How the request of a repair ended; absent while it waits or runs. */
export type Proved = { readonly gateway: string; readonly why: string | undefined };

export type RestartResult = {
  readonly host: string;
  readonly engine: string;
  readonly upSince: string;
  /** Gateways that were proved usable again. */
  readonly proved: number;
  /** Those that were not, the first of them by name with the reason. */
  readonly unproved: number;
  readonly reasons: readonly { readonly gateway: string; readonly reason: string }[];
};
