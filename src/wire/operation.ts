import type { Change } from '../domain/changes/change.js';
import type { FoundState } from '../domain/changes/replacement.js';
import type { Gateway } from '../domain/gateway/gateway.js';
import type { Limits } from './limits.js';
import type { GatewayRecord } from '../domain/gateway/reading.js';

/**
 * `provision` begins a life, `repair` goes over an existing one, `restore` and `take-up` continue a kept or a lost one;
 * `remove` ends a life, `purge` removes the state that a removal kept. The others change a living gateway and undo what
 * they did when they cannot finish; `way-back` undoes a change whose run was lost.
 */
export type OperationKind = (typeof operationKinds)[number];

/** Every kind there is, as it stands in inputs and in workflow ids. */
export const operationKinds = [
  'provision',
  'repair',
  'restore',
  'take-up',
  'remove',
  'purge',
  'rotate',
  'pair',
  'deny',
  'unpair',
  'upgrade',
  'rollback',
  'change',
  'drop-snapshot',
  'way-back',
  'pair-sender',
  'unpair-sender',
  'suspend',
  'resume',
] as const;

/** Whether an operation of this kind reads its list backward: it undoes. */
export function readsBackward(kind: OperationKind | undefined): boolean {
  return kind === 'remove' || kind === 'purge' || kind === 'way-back';
}

/**
 * `done`; `degraded`: usable but a step was skipped or a repair ended early; `undone`: nothing is left of it; `left`:
 * undone as far as possible, see what is left; `stopped`: ended early and what existed stays; `withdrawn`: never began.
 */
export type OperationOutcome = 'done' | 'degraded' | 'undone' | 'left' | 'stopped' | 'withdrawn';

/** Something an undo could not remove. */
export type Left = { readonly step: string; readonly kind: string; readonly reason: string };

/** Which engine an operation found. */
export type Placed = { readonly operation: number; readonly engine: string; readonly promised?: true };

/** A step that was entered in this life, so that clean-up undoes it. */
export type Entered = {
  readonly step: string;
  /** Until when (epoch ms) a lost attempt of it may still take effect; 0 when none can be out. */
  readonly unsettledUntil: number;
};

/** What an operation is started with. The step names come as data: a new list concerns new operations only. */
export type OperationInput = {
  readonly layout: 1;
  readonly kind: OperationKind;
  readonly number: number;
  readonly gateway: Gateway;
  /** Read forward, or for a clean-up the steps to undo, in the order in which they came to exist. */
  readonly steps: readonly string[];
  /** What earlier operations of this life entered. */
  readonly entered: readonly Entered[];
  readonly limits: Limits;
  /** What a change is to achieve; absent for operations over a whole life. */
  readonly change?: Change;
  /** The engine is searched for first: it is not on record, or the life is new. Absent in what older versions began. */
  readonly seek?: true;
  /**
   * It is told when its engine is gone for good, and then waits for nothing there. Absent in what older versions began.
   */
  readonly forsakes?: true;
  /** A removal that keeps the state, and reports what it kept. Absent in what older versions began. */
  readonly keeps?: true;
  /** A take-up of a gateway that was removed: where no more than its state is there, it stays so. */
  readonly kept?: true;
  /** By an operator's word, its engine is gone for good: nothing is undone, and what stays is reported. */
  readonly gone?: true;
};

/** What a step proved, and when, in words: never a secret, only generations and key ids. */
export type Proof = { readonly at: string; readonly step: string; readonly proof: string };

/** How an operation ended: returned, or carried in the details of the `ApplicationFailure` of type `outcome`. */
export type OperationResult = {
  readonly outcome: OperationOutcome;
  /** One sentence for people: what went wrong where, and what now; empty when done. */
  readonly reason: string;
  readonly record: GatewayRecord | undefined;
  readonly entered: readonly Entered[];
  readonly skipped: readonly string[];
  readonly left: readonly Left[];
  /** The token generation in force; absent when a take-up could not determine it. */
  readonly tokenGeneration?: number;
  /** The master key that it is derived from; the deployment's first one when absent. */
  readonly keyId?: string;
  /** The audit record of a change, in order. */
  readonly proofs?: readonly Proof[];
  /** The device that was let in. */
  readonly deviceId?: string;
  /**
   * Why the gateway still does not serve although everything was put back: only a rollback can begin with such a
   * gateway.
   */
  readonly down?: string;
  /** Why nobody is answered although the change is done: not the change's own doing. */
  readonly unanswered?: string;
  /** The release of the state that a removal kept, where that is not the state on record. */
  readonly keptRelease?: string;
  /**
   * The highest number of a replacement that saved a state of the life being taken up: later operations are numbered
   * above it.
   */
  readonly savedBy?: number;
  /** The newest state that was saved, under the lost record, of the life being taken up. */
  readonly saved?: FoundState;
  /**
   * Until when (epoch ms) a lost attempt, of an undo or of a step of a finished change, may still land in what comes
   * next. Absent when each attempt is known to be over.
   */
  readonly unsettledUntil?: number;
  /** A take-up found no more than the state of a gateway that was removed, and left it so. */
  readonly kept?: true;
  /** There was no state for the removal to keep. */
  readonly vanished?: true;
};

/**
 * What the activity interceptor wraps around every answer: which attempt gave it, or 1 where every earlier one is
 * known to be over.
 */
export type Attempted<T> = { readonly attempt: number; readonly value: T };

/** The look that mints a link, sealed to the caller's one-time public key. */
export type OpenInput = {
  readonly gateway: Gateway;
  readonly recipient: string;
  readonly limits: Limits;
  /** Who asks, for the audit log; absent from an older caller. */
  readonly who?: string;
};
export type OpenResult = { readonly sealed: string; readonly expiresAt: string };

/** The look that shows the gateway token: answered sealed, and written down. */
export type TokenInput = OpenInput & { readonly who: string };

/**
 * The look that proves a gateway usable right now. Its result is a fresh record; a gateway that is not usable fails it.
 */
export type ProbeInput = { readonly gateway: Gateway; readonly limits: Limits };
