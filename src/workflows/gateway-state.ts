import { gatewayBirth, layout, type Gateway } from '../domain/gateway.js';
import { canonical, gatewaySpec, sameSpec } from '../domain/gateway-spec.js';
import { Refused } from '../domain/errors.js';
import { answeredLength } from '../domain/thresholds.js';
import { operationWorkflowId } from './ids.js';
import type { Limits } from './limits.js';
import type { OperationResult } from './operation.js';
import type {
  Accepted,
  Entered,
  GatewayRecord,
  Left,
  OperationKind,
  OperationOutcome,
  Phase,
  ProvisionRequest,
  RemoveRequest,
  Request,
} from './requests.js';
import { provisionSteps, stateStep, stepsOf } from './steps.js';

/** An operation that waits or runs. */
export type Queued = { readonly number: number; readonly kind: OperationKind; readonly purge: boolean };

/** A request that was accepted once, and what carries it out. */
type Answered = {
  readonly requestId: string;
  /** The request without its proposed birth, which each sender makes up anew. */
  readonly content: string;
  readonly operation: number;
  readonly at: number;
  /** How that operation ended, once it has. */
  readonly end?: End;
};

type End = { readonly kind: OperationKind; readonly birth: string; readonly outcome: OperationOutcome };

type Ended = End & { readonly number: number; readonly reason: string };

/** What continue-as-new carries: plain JSON, version 1. */
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
  /** A new life begins in a run of its own. */
  newRun: boolean;
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
  };
}

/** Holds a request against the state, or `Refused`. Changes nothing: the update validator and the start both ask here. */
export function checkRequest(state: GatewayState, request: Request, limits: Limits): void {
  if (typeof request.requestId !== 'string' || request.requestId.length < 1 || request.requestId.length > 200) {
    throw new Refused('the request id must be 1 to 200 characters');
  }
  const known = state.answered.find((each) => each.requestId === request.requestId);
  if (known) {
    if (known.content === contentOf(request)) return;
    throw new Refused(
      `request ${request.requestId} was accepted before with another content. A new wish needs a new request id`,
    );
  }
  if (state.queue.length >= limits.queueLength) {
    throw new Refused(`${state.queue.length} operations wait already. Ask again when some have ended`);
  }
  if (request.kind === 'provision') checkProvision(state, request);
  else if (request.kind === 'remove') checkRemove(state, request);
  else throw new Refused('a request is of kind provision or remove');
}

function checkProvision(state: GatewayState, request: ProvisionRequest): void {
  const spec = gatewaySpec(request.spec);
  const birth = gatewayBirth(request.birth);
  const id = state.life?.mark.gateway ?? 'this gateway';
  if (!['new', 'restore', 'take up'].includes(request.how))
    throw new Refused('a provision is new, a restore or a take up');
  if (isRemoving(state)) throw new Refused(`${id} is being removed. Ask again when it is gone`);
  const keeps = state.stateKeptUntil > 0;
  if (request.how === 'restore') {
    if (keeps) return;
    throw new Refused(`${id} has no kept state to restore. Leave --restore out to provision it`);
  }
  if (keeps) {
    const until = new Date(state.stateKeptUntil).toISOString();
    throw new Refused(
      `${id} was removed and its state is kept until ${until}. Take it up with \`creel provision ${id} --restore\`, or let it go with \`creel remove ${id} --purge\``,
    );
  }
  if (!isAlive(state)) return;
  if (request.how === 'take up' && state.life?.mark.birth !== birth) {
    throw new Refused(`${id} lives with birth ${state.life?.mark.birth}. Remove it before birth ${birth} is taken up`);
  }
  if (state.life && !sameSpec(state.life.spec, spec)) {
    throw new Refused(
      `${id} exists with another spec (${differences(state.life, request)}). Remove it first, or ask for the spec it has`,
    );
  }
}

function checkRemove(state: GatewayState, request: RemoveRequest): void {
  if (typeof request.purge !== 'boolean') throw new Refused('a removal says whether it purges');
  if (request.birth === undefined) return;
  const birth = gatewayBirth(request.birth);
  const life = state.life?.mark;
  if (life?.birth === birth) return;
  if (life && state.stateKeptUntil > 0) {
    throw new Refused(
      `the state of birth ${life.birth} is kept. Let it go with \`creel remove ${life.gateway} --purge\` before birth ${birth} is removed`,
    );
  }
  if (isAlive(state)) throw new Refused(`the gateway on record has birth ${life?.birth}, not ${birth}`);
  if (isRemoving(state)) throw new Refused(`another removal is under way. Ask again when it has ended`);
}

/** Takes a checked request in: queues its operation, joins one that waits, or answers as before. */
export function acceptRequest(
  state: GatewayState,
  request: Request,
  deployment: string,
  gateway: string,
  now: number,
): Accepted {
  const known = state.answered.find((each) => each.requestId === request.requestId);
  const operation = known?.operation ?? enqueue(state, request, deployment, gateway, now);
  if (!known) {
    const end = endOf(state, operation);
    state.answered.push({
      requestId: request.requestId,
      content: contentOf(request),
      operation,
      at: now,
      ...(end && { end }),
    });
    if (state.answered.length > answeredLength) state.answered.splice(0, state.answered.length - answeredLength);
  }
  return answer(state, gateway, operation);
}

function enqueue(state: GatewayState, request: Request, deployment: string, gateway: string, now: number): number {
  if (request.kind === 'remove') return enqueueRemoval(state, request, deployment, gateway, now);
  if (isAlive(state)) return join(state, 'repair') ?? push(state, 'repair', false);
  const mark = { deployment, gateway, birth: gatewayBirth(request.birth), layout };
  const spec = gatewaySpec(request.spec);
  if (request.how === 'restore' && state.life) {
    state.life = { ...state.life, spec };
    state.stateKeptUntil = 0;
    return begin(state, 'restore', now);
  }
  beginLife(state, { mark, place: request.place, spec, tokenGeneration: 1, deviceGeneration: 1 });
  return begin(state, request.how === 'take up' ? 'take-up' : 'provision', now);
}

/** Nothing of the life before it counts any more. */
function beginLife(state: GatewayState, life: Gateway): void {
  state.newRun = state.life !== undefined;
  state.life = life;
  state.entered = [];
  state.record = undefined;
  state.skipped = [];
  state.left = [];
}

function begin(state: GatewayState, kind: OperationKind, now: number): number {
  setPhase(state, 'queued', '', now);
  return push(state, kind, false);
}

function enqueueRemoval(
  state: GatewayState,
  request: RemoveRequest,
  deployment: string,
  gateway: string,
  now: number,
): number {
  if (request.birth !== undefined && state.life?.mark.birth !== request.birth) {
    const mark = { deployment, gateway, birth: request.birth, layout };
    const life = { mark, place: request.place, spec: lostSpec, tokenGeneration: 1, deviceGeneration: 1 };
    beginLife(state, life);
    state.entered = provisionSteps.map((step) => ({ step, unsettledUntil: 0 }));
    setPhase(state, 'queued', '', now);
  }
  if (state.stateKeptUntil > 0)
    return request.purge ? (join(state, 'purge') ?? push(state, 'purge', true)) : lastNumber(state, request);
  const waiting = [...(state.running ? [state.running] : []), ...state.queue].find((each) => each.kind === 'remove');
  if (waiting && (waiting.purge || !request.purge)) return waiting.number;
  if (waiting) return push(state, 'remove', true);
  if (state.life !== undefined && !isAlive(state) && state.entered.length === 0) return lastNumber(state, request);
  withdrawQueue(state, 'the gateway is being removed');
  return push(state, 'remove', request.purge);
}

/** What is removed already is answered with the operation that did it. */
function lastNumber(state: GatewayState, request: RemoveRequest): number {
  return state.ended.at(-1)?.number ?? push(state, 'remove', request.purge);
}

function withdrawQueue(state: GatewayState, reason: string): void {
  for (const each of state.queue) remember(state, each, 'withdrawn', reason);
  state.queue = [];
}

function join(state: GatewayState, kind: OperationKind): number | undefined {
  return state.queue.find((each) => each.kind === kind)?.number;
}

function push(state: GatewayState, kind: OperationKind, purge: boolean): number {
  const number = state.nextOperation;
  state.nextOperation += 1;
  state.queue.push({ number, kind, purge });
  return number;
}

/** The next operation begins. */
export function beginOperation(state: GatewayState, now: number): Queued | undefined {
  const next = state.queue.shift();
  if (!next) return undefined;
  state.running = next;
  const phases: Record<OperationKind, Phase> = {
    provision: 'provisioning',
    restore: 'provisioning',
    'take-up': 'provisioning',
    repair: 'repairing',
    remove: 'removing',
    purge: 'removing',
  };
  setPhase(state, phases[next.kind], '', now);
  return next;
}

/** The steps an operation gets, and whether it leaves the customer's state. */
export function operationSteps(state: GatewayState, operation: Queued): string[] {
  const keep = !operation.purge && (state.life?.spec.keepStateMs ?? 0) > 0;
  return stepsOf(
    operation.kind,
    state.entered.map(({ step }) => step),
    keep,
  );
}

/** The running operation ended: what is true of the gateway now. */
export function endOperation(state: GatewayState, operation: Queued, result: OperationResult, now: number): void {
  state.running = undefined;
  remember(state, operation, result.outcome, result.reason);
  state.entered = result.entered;
  state.left = result.left;
  if (operation.kind === 'remove' || operation.kind === 'purge') return endRemoval(state, operation, result, now);
  if (operation.kind === 'take-up' && result.tokenGeneration === undefined)
    return endVainTakeUp(state, result.reason, now);
  state.skipped = result.skipped;
  if (result.record) state.record = result.record;
  if (result.tokenGeneration !== undefined && state.life) {
    state.life = { ...state.life, tokenGeneration: result.tokenGeneration };
  }
  const phases: Partial<Record<OperationOutcome, Phase>> = { done: 'ready', undone: 'removed', left: 'removed' };
  const phase = phases[result.outcome] ?? 'degraded';
  if (phase === 'removed' && !isRemoving(state)) withdrawQueue(state, 'the gateway that it was for did not come to be');
  setPhase(state, phase, result.reason, now);
}

/** A take-up that never got to its life holds nothing of it; a removal that waits goes over everything there may be. */
function endVainTakeUp(state: GatewayState, reason: string, now: number): void {
  if (isRemoving(state)) {
    state.entered = provisionSteps.map((step) => ({ step, unsettledUntil: 0 }));
    return setPhase(state, 'degraded', reason, now);
  }
  withdrawQueue(state, reason);
  state.life = undefined;
  state.entered = [];
  setPhase(state, 'none', reason, now);
}

function endRemoval(state: GatewayState, operation: Queued, result: OperationResult, now: number): void {
  const kept = !operation.purge && result.entered.some(({ step }) => step === stateStep);
  const keepMs = state.life?.spec.keepStateMs ?? 0;
  state.stateKeptUntil = result.outcome === 'done' && kept && keepMs > 0 ? now + keepMs : 0;
  state.record = undefined;
  const until = state.stateKeptUntil > 0 ? `state kept until ${new Date(state.stateKeptUntil).toISOString()}` : '';
  setPhase(state, state.life ? 'removed' : 'none', result.reason === '' ? until : result.reason, now);
}

/**
 * The running operation was lost (terminated by hand): what it entered is unknown, so everything on the list counts as
 * entered and unsettled. One that began a life, or ended one, is followed by a removal before anything else; of any other
 * what existed stays.
 */
export function loseOperation(
  state: GatewayState,
  operation: Queued,
  reason: string,
  limits: Limits,
  now: number,
): void {
  state.running = undefined;
  remember(state, operation, 'stopped', reason);
  if (!state.life) return setPhase(state, 'none', reason, now);
  const unsettledUntil = now + Math.max(limits.actMs, limits.undoMs) + limits.settleMs;
  const names = operation.kind === 'purge' ? [stateStep] : provisionSteps;
  state.entered = names.map((step) => ({ step, unsettledUntil }));
  if (operation.kind === 'repair' || operation.kind === 'restore' || operation.kind === 'take-up') {
    setPhase(state, 'degraded', reason, now);
    return;
  }
  setPhase(state, 'queued', reason, now);
  if (!isRemoving(state)) withdrawQueue(state, reason);
  const purge = operation.kind === 'provision' || operation.purge;
  const kind = operation.kind === 'purge' ? 'purge' : 'remove';
  state.queue.unshift({ number: state.nextOperation, kind, purge });
  state.nextOperation += 1;
}

/** The number of the running operation was taken by an earlier run: the next one, never adoption. */
export function renumber(state: GatewayState, operation: Queued): Queued {
  const again = { ...operation, number: state.nextOperation };
  state.nextOperation += 1;
  state.running = again;
  state.answered = state.answered.map((each) =>
    each.operation === operation.number ? { ...each, operation: again.number } : each,
  );
  return again;
}

/** Kept state whose time has come is let go. */
export function expireState(state: GatewayState, now: number): void {
  if (state.stateKeptUntil > 0 && now >= state.stateKeptUntil && !join(state, 'purge')) push(state, 'purge', true);
}

/** Forgets request ids that are older than the limit. */
export function forgetOld(state: GatewayState, limits: Limits, now: number): void {
  const active = new Set([...state.queue, ...(state.running ? [state.running] : [])].map(({ number }) => number));
  state.answered = state.answered.filter((each) => now - each.at < limits.forgetAfterMs || active.has(each.operation));
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

function setPhase(state: GatewayState, phase: Phase, reason: string, now: number): void {
  if (state.phase !== phase) state.since = now;
  state.phase = phase;
  state.reason = reason;
}

function remember(state: GatewayState, operation: Queued, outcome: OperationOutcome, reason: string): void {
  const end = { kind: operation.kind, birth: state.life?.mark.birth ?? 'none', outcome };
  state.ended.push({ ...end, number: operation.number, reason });
  if (state.ended.length > 20) state.ended.shift();
  state.answered = state.answered.map((each) => (each.operation === operation.number ? { ...each, end } : each));
}

function endOf(state: GatewayState, operation: number): End | undefined {
  const ended = state.ended.findLast((each) => each.number === operation);
  if (ended) return { kind: ended.kind, birth: ended.birth, outcome: ended.outcome };
  return state.answered.find((each) => each.operation === operation)?.end;
}

function answer(state: GatewayState, gateway: string, operation: number): Accepted {
  const ended = endOf(state, operation);
  const open =
    state.running?.number === operation ? state.running : state.queue.find((each) => each.number === operation);
  const kind = ended?.kind ?? open?.kind ?? 'provision';
  const birth = ended?.birth ?? state.life?.mark.birth ?? 'none';
  return {
    gateway,
    birth,
    operation,
    kind,
    workflowId: operationWorkflowId(gateway, birth, operation, kind),
    state: ended?.outcome ?? (state.running?.number === operation ? 'running' : open ? 'queued' : 'done'),
  };
}

function contentOf(request: Request): string {
  if (request.kind === 'provision' && request.how === 'take up')
    return canonical({ ...request, requestId: '', origin: '' });
  const { birth: _birth, ...rest } = request;
  return canonical({ ...(request.kind === 'remove' ? request : rest), requestId: '', origin: '' });
}

function differences(life: Gateway, request: ProvisionRequest): string {
  const has: Record<string, unknown> = life.spec;
  const asked: Record<string, unknown> = request.spec;
  const differing = Object.keys(has).filter((key) => canonical(has[key]) !== canonical(asked[key]));
  return differing.map((key) => `${key}: has ${canonical(has[key])}, asked ${canonical(asked[key])}`).join('; ');
}

/** A life known only by its marks: nothing of its spec matters for its removal but that its state is not anybody's wish to lose. */
const lostSpec = {
  release: '0000.0.0',
  dev: false,
  memoryMb: 0,
  cpus: 0,
  keepStateMs: 14 * 24 * 3_600_000,
  parkMs: 0,
  channels: [],
};
