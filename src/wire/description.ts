import type { Standing as SubscriptionStanding } from '../domain/billing/account.js';
import type { Shelf } from '../domain/gateway/shelf.js';
import type { Gateway } from '../domain/gateway/gateway.js';
import type { GatewayRecord } from '../domain/gateway/reading.js';
import type { Left, OperationKind, OperationOutcome } from './operation.js';
import type { Park } from './park.js';

export const phases = [
  'queued',
  'provisioning',
  'adopting',
  'ready',
  'degraded',
  'repairing',
  'rotating',
  'pairing',
  'upgrading',
  'changing',
  'suspending',
  'suspended',
  'resuming',
  'parked',
  'removing',
  'removed',
  'none',
] as const;

export type Phase = (typeof phases)[number];

/**
 * What `describe` answers: the whole record, without a secret. The phase `ready` claims no more than was proved at
 * `record.provedAt`.
 */
export type Description = {
  readonly deployment: string;
  readonly gateway: string;
  readonly phase: Phase;
  readonly since: string;
  readonly reason: string;
  /** Undefined before the first life. */
  readonly life: Gateway | undefined;
  readonly record: GatewayRecord | undefined;
  readonly skipped: readonly string[];
  /** The devices of this life that creel approved. */
  readonly approved: readonly string[];
  readonly left: readonly Left[];
  readonly park: Park | undefined;
  readonly running:
    | { readonly operation: number; readonly kind: OperationKind; readonly workflowId: string }
    | undefined;
  readonly queue: readonly { readonly operation: number; readonly kind: OperationKind }[];
  /** The stored secrets that what runs or waits names; absent when there are none. */
  readonly sought?: readonly string[];
  /** Until when, and why, the first operation in the queue is held back; absent when it waits only for its turn. */
  readonly held?: { readonly until: string; readonly why: string };
  readonly last:
    | {
        readonly operation: number;
        readonly kind: OperationKind;
        readonly workflowId: string;
        readonly outcome: OperationOutcome;
        readonly reason: string;
      }
    | undefined;
  readonly stateKeptUntil: string | undefined;
  /** The highest generations that were ever meant to be used; absent where no rotation was. */
  readonly burned?: { readonly token: number; readonly device: number };
  /** Since when and why it is suspended; absent when it is not. */
  readonly suspended?: { readonly since: string; readonly reason: string };
  /** How the subscription stands that pays for it; absent where none does. */
  readonly paid?: {
    readonly subscription: string;
    readonly standing: SubscriptionStanding;
    readonly since: string;
    readonly plan?: string;
    /** Why what it comes to was refused: a person has to look at it. */
    readonly refused?: string;
  };
  /** A rotated token that nobody has fetched yet. */
  readonly handOver?: { readonly generation: number; readonly since: string };
  /** The release that `creel rollback` goes back to, and until when; absent when there is none. */
  readonly former?: {
    readonly release: string;
    readonly until: string;
    /** Where its state lies; absent in answers of older versions. */
    readonly shelf?: Shelf;
    /** It was saved under a record that was lost: nobody goes back to it. */
    readonly lost?: true;
    /** The stored secrets that its spec names; absent when there are none. */
    readonly secrets?: readonly string[];
  };
};

/** How a request stands, as the gateway reports it. */
export type Standing = {
  readonly operation: number;
  /** The life it was for. */
  readonly birth: string;
  readonly state: 'queued' | 'running' | OperationOutcome;
  /** Why it ended as it did; empty when it is done, or so long ago that only the outcome is known. */
  readonly reason: string;
  /** What an operator is asked, by this operation or by the one before it. */
  readonly park: Park | undefined;
  /** The life it was for has ended, or is about to. */
  readonly gone: boolean;
};
