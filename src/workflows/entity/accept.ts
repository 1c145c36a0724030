import type { Suspended } from '../../domain/changes/suspension.js';
import { fingerprint } from '../../domain/fingerprint.js';
import { gatewayBirth, layout, type Gateway, type Mark } from '../../domain/gateway/gateway.js';
import type { Recovered } from '../../domain/recovery/exported.js';
import { unknownRelease } from '../../domain/release/release.js';
import { isMachine, placeFor, type Place } from '../../domain/hosts/place.js';
import { gatewaySpec, type GatewaySpec } from '../../domain/gateway/spec.js';
import { answeredLength } from '../../domain/thresholds.js';
import {
  answeredTo,
  endOf,
  isAlive,
  join,
  openNumbers,
  openOperations,
  pushChange,
  pushRemoval,
  pushUpkeep,
  setPhase,
  stateKeptUntil,
  takeNumber,
  withdrawQueue,
  type GatewayState,
} from '../record/state.js';
import { newLife } from '../record/life.js';
import { isRemoval, lookingOn, type Upkeep } from '../record/queued.js';
import { oweLost, queueOwed } from './change.js';
import { stepsFor } from '../provision/operation.js';
import { isReplacement, replacementOwns } from '../replace/operation.js';
import { operationWorkflowId } from '../../wire/ids.js';
import type { Accepted, ProvisionRequest, RemoveRequest, Request } from '../../wire/requests.js';
import { corrects } from './check.js';
import { contentOf, unknownPlace } from './content.js';

/**
 * Takes a checked request in: queues its operation, joins one that waits, or answers as before. An engine that it names for a life of
 * which none is on record is looked for by that operation, and on record when it was found.
 */
export function acceptRequest(
  state: GatewayState,
  request: Request,
  deployment: string,
  gateway: string,
  now: number,
): Accepted {
  const engine = soughtEngine(state, request);
  const known = answeredTo(state, request.requestId);
  if (engine === undefined || known) return acceptBelieved(state, request, deployment, gateway, now);
  const operation = enqueue(state, withoutEngine(request), deployment, gateway, now);
  state.queue = state.queue.map((each) => (each.number === operation ? lookingOn(each, engine) : each));
  rememberAnswer(state, request, operation, now);
  return answer(state, gateway, operation);
}

/** The same as older versions did, in what they began: an engine that was named stood on record from then on. */
export function acceptBelieved(
  state: GatewayState,
  request: Request,
  deployment: string,
  gateway: string,
  now: number,
): Accepted {
  const known = answeredTo(state, request.requestId);
  const operation = known?.operation ?? enqueue(state, request, deployment, gateway, now);
  if (!known) rememberAnswer(state, request, operation, now);
  return answer(state, gateway, operation);
}

/** The engine that a request names for a life of which none is on record; undefined where it names none, or the one on record. */
export function soughtEngine(state: GatewayState, request: Request): string | undefined {
  if (request.kind !== 'provision' && request.kind !== 'remove') return undefined;
  if (request.place && isMachine(request.place)) return undefined; // A machine is found by its name.
  const begins =
    request.kind === 'provision'
      ? !isAlive(state) && request.how !== 'restore'
      : request.birth !== undefined && request.birth !== state.life?.gateway.mark.birth;
  return begins || state.life?.gateway.place.engine === undefined ? request.place?.engine : undefined;
}

function withoutEngine(request: Request): Request {
  if (request.place === undefined) return request;
  const { engine: _engine, ...place } = request.place;
  return { ...request, place };
}

function rememberAnswer(state: GatewayState, request: Request, operation: number, now: number): void {
  const end = endOf(state, operation);
  const id = fingerprint(request.requestId);
  const content = fingerprint(contentOf(request));
  state.answered.push({ id, content, operation, at: now, ...(end && { end }) });
  forgetBeyond(state, answeredLength);
}

/** Remembers so many at most: what has ended is forgotten first. */
function forgetBeyond(state: GatewayState, length: number): void {
  if (state.answered.length <= length) return;
  const open = openNumbers(state);
  const first = state.answered.findIndex(({ operation }) => !open.has(operation));
  state.answered.splice(Math.max(0, first), 1);
}

function enqueue(state: GatewayState, request: Request, deployment: string, gateway: string, now: number): number {
  if (request.kind === 'remove') return enqueueRemoval(state, request, deployment, gateway, now);
  if (request.kind === 'resume') return join(state, 'resume') ?? pushUpkeep(state, 'resume');
  if (request.kind !== 'provision') return pushChange(state, request);
  standOn(state, request);
  const { life } = state;
  if (life && isAlive(state)) {
    if (corrects(state, request)) life.gateway = { ...life.gateway, spec: gatewaySpec(request.spec) };
    if (life.owed && isReplacement(life.owed)) queueOwed(state);
    return join(state, 'repair') ?? pushUpkeep(state, 'repair');
  }
  const mark = { deployment, gateway, birth: gatewayBirth(request.birth), layout };
  const spec = gatewaySpec(request.spec);
  if (request.how === 'restore' && life) {
    life.gateway = { ...life.gateway, spec };
    const keptUntil = life.stateKeptUntil;
    life.stateKeptUntil = 0;
    return beginRestore(state, keptUntil, now);
  }
  const key = request.keyId === undefined ? {} : { keyId: request.keyId };
  const { tokenGeneration = 1, deviceGeneration = 1 } = request.recovered ?? {};
  const begun = {
    mark,
    place: placeOf(mark, request),
    spec,
    tokenGeneration,
    deviceGeneration,
    ...key,
  };
  beginLife(state, begun, request.how === 'take up' ? replacementOwns : []);
  if (request.recovered) return adopt(state, request.recovered, now);
  return begin(state, request.how === 'take up' ? 'take-up' : 'provision', now);
}

/** Where a life begins or goes on: what an export says of the engine on its own machine stays on record. */
function placeOf(mark: Mark, { spec, place: asked, recovered }: ProvisionRequest): Place {
  const place = placeFor(mark, gatewaySpec(spec).machine, asked);
  const { engine, host, region } = asked;
  const isSame = isMachine(place) && host === place.host && region === place.region;
  return recovered && isSame && engine !== undefined ? { ...place, engine } : place;
}

/** What older versions did: a record that names no engine takes the one of an operator's word. */
function standOn(state: GatewayState, { place }: ProvisionRequest | RemoveRequest): void {
  const { life } = state;
  if (life && life.gateway.place.engine === undefined && place?.engine !== undefined)
    life.gateway = { ...life.gateway, place: { ...life.gateway.place, engine: place.engine } };
}

/** Another life begins, of which something may be there already where these steps were entered. */
function beginLife(state: GatewayState, gateway: Gateway, entered: readonly string[]): void {
  state.newRun = state.life !== undefined;
  state.life = newLife(gateway, state.life);
  state.life.entered = entered.map((step) => ({ step, unsettledUntil: 0 }));
}

/** A life that an export names goes on: what it had burned stays burned. */
function adopt(state: GatewayState, { burned, approved, keptUntil, suspended }: Recovered, now: number): number {
  const { life } = state;
  if (life && burned) life.burned = burned;
  if (life && approved.length > 0) life.approved = approved;
  setPhase(state, 'queued', '', now);
  const number = takeNumber(state);
  state.queue.push({ number, kind: 'take-up', adopts: true, ...(keptUntil !== undefined && { keptUntil }) });
  if (suspended) suspendAgain(state, suspended);
  return number;
}

/** Who was suspended when the record was lost is so again once it was found. */
function suspendAgain(state: GatewayState, { reason }: Suspended): void {
  pushChange(state, { kind: 'suspend', requestId: 'it was suspended', origin: 'creel', reason });
}

function begin(state: GatewayState, kind: Upkeep['kind'], now: number): number {
  setPhase(state, 'queued', '', now);
  return pushUpkeep(state, kind);
}

/** Without room for it, its state is kept as long as before. */
function beginRestore(state: GatewayState, keptUntil: number, now: number): number {
  setPhase(state, 'queued', '', now);
  const number = takeNumber(state);
  state.queue.push({ number, kind: 'restore', keptUntil });
  return number;
}

function enqueueRemoval(
  state: GatewayState,
  request: RemoveRequest,
  deployment: string,
  gateway: string,
  now: number,
): number {
  if (request.birth !== undefined && state.life?.gateway.mark.birth !== request.birth) {
    const mark = { deployment, gateway, birth: request.birth, layout };
    const asked = request.place ?? unknownPlace;
    const { provider, region } = asked;
    const bought = provider === 'local' || region === undefined ? {} : { machine: { provider, region } };
    const spec: GatewaySpec = { ...lostSpec, ...bought };
    const place = placeFor(mark, spec.machine, asked);
    const lost = { mark, place, spec, tokenGeneration: 1, deviceGeneration: 1 };
    beginLife(state, lost, [...stepsFor(bought), ...replacementOwns]);
    setPhase(state, 'queued', '', now);
  }
  standOn(state, request);
  if (request.gone !== undefined) return enqueueGone(state, request);
  if (stateKeptUntil(state) > 0)
    return request.purge ? (join(state, 'purge') ?? pushRemoval(state, 'purge', true)) : lastNumber(state, request);
  const waiting = openOperations(state)
    .filter(isRemoval)
    .find(({ kind }) => kind === 'remove');
  if (waiting && (waiting.purge || !request.purge)) return waiting.number;
  if (waiting) return pushRemoval(state, 'remove', true);
  const { life } = state;
  if (life && !isAlive(state) && life.entered.length === 0) return lastNumber(state, request);
  for (const each of state.queue) if (life && each.kind === 'way-back') oweLost(life, each.change);
  withdrawQueue(state, 'the gateway is being removed');
  return pushRemoval(state, 'remove', request.purge);
}

/** Ends a record without its engine: nobody waits for what is queued or runs there. */
function enqueueGone(state: GatewayState, request: RemoveRequest): number {
  const waiting = openOperations(state).find((each) => isRemoval(each) && each.gone);
  if (waiting) return waiting.number;
  const isOver = !isAlive(state) && state.running === undefined && state.queue.length === 0;
  const keeps = stateKeptUntil(state) > 0;
  const isWhole = !state.life || (state.life.left.length === 0 && state.life.entered.length === 0);
  if (isOver && !keeps && isWhole) return lastNumber(state, request);
  withdrawQueue(state, 'the engine of the gateway is gone for good');
  const number = takeNumber(state);
  state.queue.push({ number, kind: keeps ? 'purge' : 'remove', purge: true, gone: true });
  return number;
}

/** What is removed already is answered with the operation that did it. */
function lastNumber(state: GatewayState, request: RemoveRequest): number {
  return state.ended.at(-1)?.number ?? pushRemoval(state, 'remove', request.purge);
}

function answer(state: GatewayState, gateway: string, operation: number): Accepted {
  const ended = endOf(state, operation);
  const open = openOperations(state).find((each) => each.number === operation);
  const kind = ended?.kind ?? open?.kind ?? 'provision';
  const birth = ended?.birth ?? state.life?.gateway.mark.birth ?? 'none';
  return {
    gateway,
    birth,
    operation,
    kind,
    workflowId: operationWorkflowId(gateway, birth, operation, kind),
    state: ended?.outcome ?? (state.running?.number === operation ? 'running' : open ? 'queued' : 'done'),
  };
}

/** A life known only by its marks: nothing of its spec matters for its removal but that its state is not anybody's wish to lose. */
const lostSpec = {
  release: unknownRelease,
  dev: false,
  memoryMb: 0,
  cpus: 0,
  keepStateMs: 14 * 24 * 3_600_000,
  parkMs: 0,
  channels: [],
};
