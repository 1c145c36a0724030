import type { Change } from '../../domain/changes/change.js';
import { cut, cutMiddle } from '../../domain/cut.js';
import { fingerprint } from '../../domain/fingerprint.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import type { GatewaySpec } from '../../domain/gateway/spec.js';
import type { Shelf } from '../../domain/gateway/shelf.js';
import type { GatewayRecord } from '../../domain/gateway/reading.js';
import { earlierReasonBytes, endedLength, reasonBytes } from '../../domain/thresholds.js';
import type { ChangeRequest } from '../../wire/change-requests.js';
import type { Limits } from '../../wire/limits.js';
import type { Entered, Left, OperationKind, OperationOutcome, Placed } from '../../wire/operation.js';
import type { Phase } from '../../wire/description.js';

/** An operation that waits or runs. */
export type Queued = {
  readonly number: number;
  readonly kind: OperationKind;
  readonly purge: boolean;
  /** What a change was asked for, until it begins. */
  readonly asked?: ChangeRequest;
  /** What a change is to come to, from when it begins. */
  readonly change?: Change;
  /** On which engine it is to be looked for, by an operator's word, where the record names none. */
  readonly engine?: string;
  /** A removal of what stands on an engine that is gone for good: nothing is undone. */
  readonly gone?: true;
};

/** A request that was accepted once, and what carries it out. */
export type Answered = {
  /** The fingerprint of its id. */
  readonly id: string;
  /** That of the request without what each sender makes up or reads anew: a proposed birth, the newest key. */
  readonly content: string;
  readonly operation: number;
  /** When it was accepted, or last seen to wait or run (epoch ms). */
  readonly at: number;
  /** How that operation ended, once it has. */
  readonly end?: End;
};

/** How an operation ended. */
export type End = { readonly kind: OperationKind; readonly birth: string; readonly outcome: OperationOutcome };

type Ended = End & { readonly number: number; readonly reason: string };

/** A saved state and the spec that it belongs to. */
type Kept = {
  readonly shelf: Shelf;
  readonly spec: GatewaySpec;
  readonly until: number;
  /** It lets devices in that a rotation has put out since: nobody goes back to it. */
  readonly evicted?: true;
  /** It was saved under a record that was lost: whom it lets in is not known, and nobody goes back to it. */
  readonly lost?: true;
};

/** What an entity knows: plain JSON, version 1; what continue-as-new carries of it is in carried-state.ts. */
export type GatewayState = {
  version: 1;
  life: Gateway | undefined;
  phase: Phase;
  since: number;
  reason: string;
  entered: readonly Entered[];
  record: GatewayRecord | undefined;
  skipped: readonly string[];
  left: readonly Left[];
  /** Epoch ms; 0 when no state of a removed gateway is kept. */
  stateKeptUntil: number;
  nextOperation: number;
  queue: Queued[];
  running: Queued | undefined;
  ended: Ended[];
  answered: Answered[];
  /** What a living gateway goes back to when a change of it ends. */
  resting?: { readonly phase: Phase; readonly reason: string };
  /** The highest generations of this life that were ever meant to be used; those on record when absent. */
  burned?: { readonly token: number; readonly device: number };
  /** The devices of this life that creel approved. */
  approved?: readonly string[];
  /** The steps of a change whose run was lost. */
  backFrom?: readonly Entered[];
  /** A change whose way back did not come to its end: the next repair takes it first. */
  owed?: Change;
  /** A rotated token that nobody has fetched yet. */
  handOver?: { readonly generation: number; readonly since: number };
  /** The previous release and the state that goes with it: what a rollback goes back to. */
  kept?: Kept;
  /** Saved states that could not be let go: why, how often that was tried, and when (epoch ms) it is tried again. */
  dropping?: { readonly former?: string; readonly failures: number; readonly again: number; readonly reason: string };
  /** How often each release could not be proved in this life. */
  failed?: Readonly<Record<string, number>>;
  /** Until when a lost attempt of what this life has done or undone may still land (epoch ms). */
  unsettledUntil?: number;
  /** A new life begins in a run of its own. */
  newRun: boolean;
  /** Whether operations that another entity of this id left open are known to have ended. */
  alone: boolean;
};

/** The state of an entity that has done nothing yet. */
export function emptyState(firstOperation: number, now: number): GatewayState {
  return {
    version: 1,
    life: undefined,
    phase: 'none',
    since: now,
    reason: '',
    entered: [],
    record: undefined,
    skipped: [],
    left: [],
    stateKeptUntil: 0,
    nextOperation: firstOperation,
    queue: [],
    running: undefined,
    ended: [],
    answered: [],
    newRun: false,
    alone: false,
  };
}

/** Nothing that waits is carried out any more. */
export function withdrawQueue(state: GatewayState, reason: string): void {
  for (const each of state.queue) remember(state, each, 'withdrawn', reason);
  state.queue = [];
}

/** The operation of this kind that waits, if any. */
export function join(state: GatewayState, kind: OperationKind): number | undefined {
  return state.queue.find((each) => each.kind === kind)?.number;
}

/** Puts an operation at the end of the queue. */
export function push(state: GatewayState, kind: OperationKind, purge: boolean, asked?: ChangeRequest): number {
  const number = state.nextOperation;
  state.nextOperation += 1;
  state.queue.push({ number, kind, purge, ...(asked && { asked }) });
  return number;
}

/** Kept state whose time has come is let go. */
export function expireState(state: GatewayState, now: number): void {
  if (state.stateKeptUntil > 0 && now >= state.stateKeptUntil && !join(state, 'purge')) push(state, 'purge', true);
}

/** The request of this id, if it is remembered. */
export function answeredTo(state: GatewayState, requestId: string): Answered | undefined {
  const id = fingerprint(requestId);
  return state.answered.find((each) => each.id === id);
}

/** The numbers of what runs or waits. */
export function openNumbers(state: GatewayState): Set<number> {
  return new Set([...state.queue, ...(state.running ? [state.running] : [])].map(({ number }) => number));
}

/** Forgets request ids that are older than the limit: what waits or runs grows no older. */
export function forgetOld(state: GatewayState, limits: Limits, now: number): void {
  const active = openNumbers(state);
  const aged = state.answered.map((each) => (active.has(each.operation) ? { ...each, at: now } : each));
  state.answered = aged.filter((each) => now - each.at < limits.forgetAfterMs);
}

export function isAlive(state: GatewayState): boolean {
  return state.life !== undefined && !['removed', 'none'].includes(state.phase);
}

/** Whether a removal runs or waits. */
export function isRemoving(state: GatewayState): boolean {
  return [...state.queue, ...(state.running ? [state.running] : [])].some(
    ({ kind }) => kind === 'remove' || kind === 'purge',
  );
}

/** Whether a removal waits that says that the engine is gone for good. */
export function isGivenUp(state: GatewayState): boolean {
  return state.queue.some(({ gone }) => gone);
}

/** What is true of the gateway from now on. */
export function setPhase(state: GatewayState, phase: Phase, reason: string, now: number): void {
  if (state.phase !== phase) state.since = now;
  state.phase = phase;
  state.reason = cutMiddle(reason, reasonBytes);
}

/** The running operation found the engine on which the gateway stands: from now on it is on record. */
export function placeOn(state: GatewayState, { operation, engine }: Placed): void {
  if (!state.life || state.running?.number !== operation) return;
  state.life = { ...state.life, place: { ...state.life.place, engine } };
}

/** Keeps how an operation ended. */
export function remember(state: GatewayState, operation: Queued, outcome: OperationOutcome, reason: string): void {
  const end = { kind: operation.kind, birth: state.life?.mark.birth ?? 'none', outcome };
  const earlier = state.ended.map((each) => ({ ...each, reason: cut(each.reason, earlierReasonBytes) }));
  const last = { ...end, number: operation.number, reason: cutMiddle(reason, reasonBytes) };
  state.ended = [...earlier, last].slice(-endedLength);
  state.answered = state.answered.map((each) => (each.operation === operation.number ? { ...each, end } : each));
}
