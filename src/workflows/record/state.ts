import { cut, cutMiddle } from '../../domain/cut.js';
import { fingerprint } from '../../domain/fingerprint.js';
import { earlierReasonBytes, endedLength, reasonBytes } from '../../domain/thresholds.js';
import type { ChangeRequest } from '../../wire/change-requests.js';
import type { Limits } from '../../wire/limits.js';
import type { OperationKind, OperationOutcome, Placed } from '../../wire/operation.js';
import type { Phase } from '../../wire/description.js';
import type { Life } from './life.js';
import type { Paid } from './paid.js';
import { isRemoval, type Begun, type Queued, type Removal, type Upkeep } from './queued.js';

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

/** What an entity knows: plain JSON; the form in which continue-as-new carries it is in carried-state.ts. */
export type GatewayState = {
  life: Life | undefined;
  phase: Phase;
  since: number;
  reason: string;
  nextOperation: number;
  queue: Queued[];
  running: Begun | undefined;
  ended: readonly Ended[];
  answered: Answered[];
  /** What pays for it; absent where nobody's subscription does. */
  paid?: Paid;
  /** A new life begins in a run of its own. */
  newRun: boolean;
  /** Whether operations that another entity of this id left open are known to have ended. */
  alone: boolean;
};

/** The state of an entity that has done nothing yet. */
export function emptyState(firstOperation: number, now: number): GatewayState {
  return {
    life: undefined,
    phase: 'none',
    since: now,
    reason: '',
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

/** The number of an operation that is to be queued now: none is used twice. */
export function takeNumber(state: GatewayState): number {
  const number = state.nextOperation;
  state.nextOperation += 1;
  return number;
}

/** Puts an operation over a whole life at the end of the queue. */
export function pushUpkeep(state: GatewayState, kind: Upkeep['kind']): number {
  const number = takeNumber(state);
  state.queue.push({ number, kind });
  return number;
}

/** Puts a removal at the end of the queue. */
export function pushRemoval(state: GatewayState, kind: Removal['kind'], purge: boolean): number {
  const number = takeNumber(state);
  state.queue.push({ number, kind, purge });
  return number;
}

/** Puts a change at the end of the queue. */
export function pushChange(state: GatewayState, asked: ChangeRequest): number {
  const number = takeNumber(state);
  state.queue.push({ number, kind: asked.kind, asked });
  return number;
}

/** What runs and what waits, in this order. */
export function openOperations({ running, queue }: GatewayState): readonly (Begun | Queued)[] {
  return running ? [running, ...queue] : queue;
}

/** Until when the state of a removed gateway is kept (epoch ms); 0 when none is. */
export function stateKeptUntil({ life }: GatewayState): number {
  return life?.stateKeptUntil ?? 0;
}

/** Whether something of the life on record could not be undone. */
export function hasLeft({ life }: GatewayState): boolean {
  return life !== undefined && life.left.length > 0;
}

/** Kept state whose time has come is let go. */
export function expireState(state: GatewayState, now: number): void {
  const until = stateKeptUntil(state);
  if (until > 0 && now >= until && !join(state, 'purge')) pushRemoval(state, 'purge', true);
}

/** The request of this id, if it is remembered. */
export function answeredTo(state: GatewayState, requestId: string): Answered | undefined {
  const id = fingerprint(requestId);
  return state.answered.find((each) => each.id === id);
}

/** How an operation of this number ended, as far as it is remembered. */
export function endOf(state: GatewayState, operation: number): End | undefined {
  const ended = state.ended.findLast((each) => each.number === operation);
  if (ended) return { kind: ended.kind, birth: ended.birth, outcome: ended.outcome };
  return state.answered.find((each) => each.operation === operation)?.end;
}

/** The numbers of what runs or waits. */
export function openNumbers(state: GatewayState): Set<number> {
  return new Set(openOperations(state).map(({ number }) => number));
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
  return openOperations(state).some(isRemoval);
}

/** Whether a removal waits that says that the engine is gone for good. */
export function isGivenUp(state: GatewayState): boolean {
  return state.queue.some((each) => isRemoval(each) && each.gone);
}

/** What is true of the gateway from now on. */
export function setPhase(state: GatewayState, phase: Phase, reason: string, now: number): void {
  if (state.phase !== phase) state.since = now;
  state.phase = phase;
  state.reason = cutMiddle(reason, reasonBytes);
}

/** The running operation found the engine on which the gateway stands: from now on it is on record. */
export function placeOn(state: GatewayState, { operation, engine, promised }: Placed): void {
  const { life, running } = state;
  if (!life || running?.number !== operation) return;
  life.gateway = { ...life.gateway, place: { ...life.gateway.place, engine, ...(promised && { promised }) } };
}

/** Keeps how an operation ended. */
export function remember(
  state: GatewayState,
  operation: Begun | Queued,
  outcome: OperationOutcome,
  reason: string,
): void {
  const end = { kind: operation.kind, birth: state.life?.gateway.mark.birth ?? 'none', outcome };
  const earlier = state.ended.map((each) => ({ ...each, reason: cut(each.reason, earlierReasonBytes) }));
  const last = { ...end, number: operation.number, reason: cutMiddle(reason, reasonBytes) };
  state.ended = [...earlier, last].slice(-endedLength);
  state.answered = state.answered.map((each) => (each.operation === operation.number ? { ...each, end } : each));
}
