import type { Machine } from '../domain/hosts/machine.js';
import type { RegionAt } from '../domain/hosts/region.js';
import type { Spend, SpendCeiling } from '../domain/hosts/spend.js';

/** A machine that was bought for a gateway, as its seller lists it. */
export type BoughtMachine = {
  readonly name: string;
  readonly provider: RegionAt['provider'];
  readonly region: string;
  /** Absent where its seller says nothing that creel knows. */
  readonly state?: Machine['state'];
  /** The plan that it was bought as. */
  readonly size?: string;
  /** In USD, running or not; absent where its seller names no price. */
  readonly monthlyUsd?: number;
  readonly gateway: string;
  readonly birth: string;
};

/** What the deployment has bought, and what it may. */
export type Bought = {
  readonly machines: readonly BoughtMachine[];
  /** With addresses and snapshots. */
  readonly spend: Spend;
  /** Absent where the settings of the worker that looked name none. */
  readonly ceiling?: SpendCeiling;
  /** Regions that could not be looked at, and why. */
  readonly unseen: readonly { readonly region: string; readonly reason: string }[];
};
