import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Gateway, Place } from '../domain/gateway/gateway.js';
import type { GatewayRecord } from '../domain/gateway/reading.js';
import type { GatewaySpec } from '../domain/gateway/spec.js';
import type { CarriedState } from '../workflows/record/carried-state.js';
import type { ChangeRequest } from './change-requests.js';
import type { Limits } from './limits.js';

/** What somebody asks of a gateway. The request id makes it one request however often it arrives. */
export type Request = ProvisionRequest | RemoveRequest | ChangeRequest;

export type ProvisionRequest = {
  readonly kind: 'provision';
  readonly requestId: string;
  /** Who asks: shown to people, never acted on. */
  readonly origin: string;
  readonly spec: GatewaySpec;
  readonly place: Place;
  /** The birth of the life this begins, if it begins one. */
  readonly birth: string;
  /** The master key that a life which this begins is derived from; the deployment's first one when absent. */
  readonly keyId?: string;
  /**
   * `new`: begin a life, or repair the one there is. `restore`: take up the state that a removal kept.
   * `take up`: go on with the life of exactly this birth whose record was lost.
   */
  readonly how: 'new' | 'restore' | 'take up';
};

export type RemoveRequest = {
  readonly kind: 'remove';
  readonly requestId: string;
  readonly origin: string;
  /** Removes the state volume now, whatever the spec says. */
  readonly purge: boolean;
  /** Names the life whose record was lost; undefined for the one on record. */
  readonly birth?: string;
  /** On which engine it stands, by an operator's word, where the record names none. Older clients named the host. */
  readonly place?: Place;
  /** The engine on which it stands, by an operator's word gone for good: nothing is undone there, and the record ends. */
  readonly gone?: string;
};

/** The answer to a request: which operation carries it out. Follow that workflow. */
export type Accepted = {
  readonly gateway: string;
  readonly birth: string;
  readonly operation: number;
  readonly kind: OperationKind;
  /** The operation's workflow; once the operation has begun this id exists. */
  readonly workflowId: string;
  readonly state: 'queued' | 'running' | OperationOutcome;
};

/**
 * `provision` begins a life, `repair` goes over a life that exists, `restore` and `take-up` go on with a kept or a lost one;
 * `remove` ends a life, `purge` lets go of the state that a removal kept. The others change a gateway that lives and undo
 * what they did when they cannot be finished; `way-back` undoes a change whose run was lost.
 */
export type OperationKind =
  | 'provision'
  | 'repair'
  | 'restore'
  | 'take-up'
  | 'remove'
  | 'purge'
  | ChangeRequest['kind']
  | 'way-back';

/**
 * `done`; `degraded`: usable but a step was skipped or a repair ended early; `undone`: nothing is left of it; `left`: undone
 * as far as possible, see what is left; `stopped`: ended early and what existed stays; `withdrawn`: never began.
 */
export type OperationOutcome = 'done' | 'degraded' | 'undone' | 'left' | 'stopped' | 'withdrawn';

export const phases = [
  'queued',
  'provisioning',
  'ready',
  'degraded',
  'repairing',
  'rotating',
  'pairing',
  'upgrading',
  'changing',
  'parked',
  'removing',
  'removed',
  'none',
] as const;

export type Phase = (typeof phases)[number];

/** An operation that waits for an operator's word. */
export type Park = {
  /** Names this wait: an answer must name it too. For example `12.1`: operation 12, first park. */
  readonly number: string;
  readonly step: string;
  readonly doing: 'do' | 'undo';
  readonly reason: string;
  readonly since: string;
  readonly until: string;
  /** `skip` only for optional steps, `allow` only for a refusal that may pass as it stands, `leave` only for an undo. */
  readonly answers: readonly ParkAnswer[];
};

export type ParkAnswer = 'retry' | 'skip' | 'allow' | 'abort' | 'leave';

export type Reply = { readonly park: string; readonly answer: ParkAnswer; readonly origin: string };

/** Something an undo could not remove. */
export type Left = { readonly step: string; readonly kind: string; readonly reason: string };

/** Which engine an operation found. */
export type Placed = { readonly operation: number; readonly engine: string };

/** A step that was entered in this life, so that clean-up undoes it. */
export type Entered = {
  readonly step: string;
  /** Until when (epoch ms) a lost attempt of it may still take effect; 0 when none can be out. */
  readonly unsettledUntil: number;
};

/** What `describe` answers: the whole record, without a secret. A phase `ready` is only what was proved at `record.provedAt`. */
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
  /** Until when what waits first does not begin, and why; absent when it waits for nothing but its turn. */
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
  /** A rotated token that nobody has fetched yet. */
  readonly handOver?: { readonly generation: number; readonly since: string };
  /** The release that `creel rollback` goes back to, and until when; absent when there is none. */
  readonly former?: {
    readonly release: string;
    readonly until: string;
    /** It was saved under a record that was lost, and nobody goes back to it. */
    readonly lost?: true;
  };
};

/** How a request stands, by the gateway's own word. */
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

/** Takes a request back that has not begun. */
export type Withdrawal = { readonly requestId: string; readonly reason: string };

/** What the entity is started with. A request travels here and in the update: whichever arrives first counts, once. */
export type GatewayStart = {
  readonly layout: 1;
  readonly deployment: string;
  readonly gateway: string;
  readonly limits: Limits;
  readonly request?: Request;
  /** The number of the first operation: above the highest ever seen of this gateway; 1 when absent. */
  readonly firstOperation?: number;
  /** Carried by continue-as-new. */
  readonly state?: CarriedState;
};

/** Asks for an operation; answers at once. Refusals are `ApplicationFailure`s of type `Refused`. */
export const requestUpdate = defineUpdate<Accepted, [Request]>('request');

/** An operator's word to a parked operation. */
export const replyUpdate = defineUpdate<void, [Reply]>('reply');

/** Takes a change back that waits; what has begun goes on. Answers how it stands now, undefined for an unknown request. */
export const withdrawUpdate = defineUpdate<Standing | undefined, [Withdrawal]>('withdraw');

/** How the request of this id stands; undefined when it is unknown or forgotten. */
export const standingQuery = defineQuery<Standing | undefined, [string]>('standing');

export const describeQuery = defineQuery<Description>('describe');

/** From an operation to its entity, before its first step: the engine on which the gateway stands. */
export const placedSignal = defineSignal<[Placed]>('placed');

/** From an operation to its entity: parked, or no longer. */
export const parkedSignal = defineSignal<[Park | undefined]>('parked');

/** From the entity to an operation: an operator's word. */
export const replySignal = defineSignal<[Reply]>('reply');

/** From the entity to an operation, before it is cancelled: nothing of it needs to be proved or kept. */
export const beingRemovedSignal = defineSignal('beingRemoved');

/** From the entity to an operation: its engine is gone for good, and nothing of it needs to be waited for. */
export const engineGoneSignal = defineSignal('engineGone');

/** To the entity: the token of this generation was given to somebody who asked for it. */
export const handedOverSignal = defineSignal<[number]>('handedOver');

/** Makes an entity continue as new as soon as no operation is open: for operators after an upgrade, and for tests. */
export const continueAsNewSignal = defineSignal('continueAsNew');
