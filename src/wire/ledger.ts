import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Capacity, CarriedHost, Need, Placing, Whose } from '../domain/hosts/ledger.js';
import type { FenceWord } from '../domain/hosts/fence-trial.js';
import type { Limits } from './limits.js';

/** The engine on which a life is to stand, or why there is none. */
export type Placed = { readonly engine: string } | { readonly refused: string };

/** Asks for a place. The update's id is made of gateway, birth and try, and the same life is given the same place again. */
export const placeUpdate = defineUpdate<Placed, [Placing]>('place');

/** What it would be told now: nothing is promised. */
export const roomQuery = defineQuery<Placed, [Placing]>('room');

/** What a life takes of an engine from now on; nothing at all once it is gone. */
export type PromiseTold = Whose & { readonly engine: string; readonly need: Need };

/** From an operation to the ledger, when it has ended. */
export const promiseSignal = defineSignal<[PromiseTold]>('promise');

/** How the fence of an engine was found. */
export type FenceTold = { readonly engine: string; readonly fence: FenceWord };

/** From a worker to the ledger, when it has tried a fence. */
export const fenceSignal = defineSignal<[FenceTold]>('fence');

/** Has the ledger count anew, soon: after a recovery. */
export const recountSignal = defineSignal('recount');

/** Keeps new gateways off a host, or lets them on again. Repeating it changes nothing. */
export type Cordon = { readonly engine: string; readonly cordoned: boolean };

/** Where the ledger's memo has the engines that an operator cordoned, for whoever reads it while the ledger itself cannot answer. */
export const cordonedMemo = 'cordoned';
export const cordonUpdate = defineUpdate<HostLine, [Cordon]>('cordon');

/** A host as the ledger has it: what is promised of how much. */
export type HostLine = Omit<Capacity, 'cordoned'> & {
  readonly engine: string;
  readonly promised: Need;
  readonly gateways: number;
  readonly cordoned: boolean;
};

/** Every host as the ledger has it, once it has counted, by name. */
export const hostsUpdate = defineUpdate<readonly HostLine[]>('hosts');

/** The same as it stands, without waiting for a count. */
export const hostsQuery = defineQuery<readonly HostLine[]>('hostsNow');

/** What the ledger carries from one run to the next: plain JSON, of 256 KB at most for ten thousand gateways. */
export type CarriedLedger = {
  readonly version: 1;
  readonly hosts: readonly CarriedHost[];
  /** When it was last counted (epoch ms). */
  readonly countedAt: number;
};

/**
 * What the ledger is started with: for a deployment once, then with what it carries. `staleMs`: after which a count is
 * made anew before somebody is refused; the usual time when absent.
 */
export type LedgerStart = {
  readonly layout: 1;
  readonly limits: Limits;
  readonly state?: CarriedLedger;
  readonly staleMs?: number;
};
