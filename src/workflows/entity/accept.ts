import { demandHeard } from '../../domain/channels/channel.js';
import { jsonBytes } from '../../domain/cut.js';
import { keyId } from '../../domain/keys/deployment-keys.js';
import { Refused } from '../../domain/errors.js';
import { fingerprint } from '../../domain/fingerprint.js';
import { gatewayBirth, gatewayPlace, layout, type Gateway } from '../../domain/gateway/gateway.js';
import type { Place } from '../../domain/hosts/place.js';
import { unknownRelease } from '../../domain/release/release.js';
import { belongsTo, runsRelease } from '../../domain/gateway/state-mark.js';
import { canonical, demandWhole, gatewaySpec, type GatewaySpec } from '../../domain/gateway/spec.js';
import { differences, differing, waysTo } from '../../domain/gateway/spec-words.js';
import { answeredLength, queueBytes, startPeriodMs } from '../../domain/thresholds.js';
import {
  answeredTo,
  isAlive,
  isRemoving,
  join,
  openNumbers,
  push,
  setPhase,
  withdrawQueue,
  type End,
  type GatewayState,
} from '../record/state.js';
import { checkChange } from './accept-change.js';
import { oweLost, queueOwed } from './change.js';
import { isReplacement } from '../replace/operation.js';
import { operationWorkflowId } from '../../wire/ids.js';
import type { Limits } from '../../wire/limits.js';
import type { Accepted, ProvisionRequest, RemoveRequest, Request } from '../../wire/requests.js';
import type { OperationKind } from '../../wire/operation.js';
import { provisionSteps, replacementOwns } from '../operations.js';

/** Holds a request against the state, or `Refused`. Changes nothing: the update validator and the start both ask here. */
export function checkRequest(state: GatewayState, request: Request, limits: Limits): void {
  text('request id', request.requestId);
  text('origin', request.origin);
  checkPlace(state, request);
  const known = answeredTo(state, request.requestId);
  if (known) {
    if (known.content === fingerprint(contentOf(request))) return;
    throw new Refused(
      `request ${request.requestId} was accepted before with another content. A new wish needs a new request id`,
    );
  }
  if (request.kind !== 'remove') demandRoom(state, request, limits);
  if (request.kind === 'provision') checkProvision(state, request);
  else if (request.kind === 'remove') checkRemove(state, request);
  else checkChange(state, request);
  demandTime(request, limits.readyFloorMs ?? startPeriodMs);
}

/** Only a provision begins a gateway somewhere; whoever else names a place must mean the one on record. */
function checkPlace(state: GatewayState, request: Request): void {
  const { life } = state;
  if (request.kind !== 'provision' && request.place === undefined) return;
  const { engine } = gatewayPlace(request.place);
  const stands = life?.place.engine;
  const begins = request.kind === 'provision' && !isAlive(state) && request.how !== 'restore';
  if (life === undefined || begins || engine === undefined || stands === undefined || engine === stands) return;
  const id = life.mark.gateway;
  throw new Refused(
    `${id} stands on engine ${stands}, not ${engine}, and a gateway does not move. Leave the engine out`,
  );
}

/**
 * Holds a checked request against what an older creel did not demand, or `Refused`: senders in their forms, and no fractions. What
 * stands on record already goes on. Apart from `checkRequest`, because stored histories hold requests that it let pass.
 */
export function checkForms(state: GatewayState, request: Request): void {
  const { channels = [], ...onRecord } = state.life?.spec ?? {};
  if (request.kind !== 'provision' && request.kind !== 'change') return;
  const asked = request.kind === 'provision' ? request.spec : request;
  demandWhole(asked, onRecord);
  if (asked.channels !== undefined) demandHeard(asked.channels, channels);
}

/** S3-20: no limit that somebody gives calls a gateway unhealthy earlier. */
function demandTime(request: Request, leastMs: number): void {
  if (!('readyMs' in request) || request.readyMs === undefined || request.readyMs >= leastMs) return;
  throw new Refused(
    `${request.readyMs} ms to get ready are too few: nothing is called unhealthy within ${leastMs / 1000} s of its start`,
  );
}

/** What waits has limits, but a removal can always be asked: it takes back what waits. */
function demandRoom(state: GatewayState, request: Request, { queueLength }: Limits): void {
  const id = state.life?.mark.gateway ?? 'this gateway';
  const remedy = `Ask again when some have ended: \`creel describe ${id}\` shows what holds them up`;
  if (state.queue.length >= queueLength) throw new Refused(`${state.queue.length} operations wait already. ${remedy}`);
  const open = openNumbers(state);
  const waiting = state.answered.filter(({ operation }) => open.has(operation)).length;
  if (waiting >= answeredLength) throw new Refused(`${waiting} requests wait already. ${remedy}`);
  if (request.kind === 'provision') return; // Nothing of it waits but its number.
  const bytes = jsonBytes(request);
  if (bytes > queueBytes) throw new Refused(`the request is ${bytes} bytes long: ${queueBytes} at most`);
  const asked = state.queue.map((each) => each.asked);
  if (jsonBytes([...asked, request]) <= queueBytes) return;
  throw new Refused(`the ${asked.length} operations that wait take ${jsonBytes(asked)} bytes already. ${remedy}`);
}

function text(name: string, raw: unknown): void {
  if (typeof raw === 'string' && raw.length > 0 && raw.length <= 200) return;
  throw new Refused(`the ${name} must be 1 to 200 characters`);
}

function checkProvision(state: GatewayState, request: ProvisionRequest): void {
  const spec = gatewaySpec(request.spec);
  const birth = gatewayBirth(request.birth);
  if (request.keyId !== undefined) keyId(request.keyId);
  const id = state.life?.mark.gateway ?? 'this gateway';
  if (!['new', 'restore', 'take up'].includes(request.how))
    throw new Refused('a provision is new, a restore or a take up');
  if (isRemoving(state)) throw new Refused(`${id} is being removed. Ask again when it is gone`);
  if (!isAlive(state)) demandRemoved(state, id, request.how === 'take up' ? birth : undefined);
  const keeps = state.stateKeptUntil > 0;
  if (request.how === 'restore') {
    if (keeps) return demandRelease(state, id, spec);
    throw new Refused(`${id} has no kept state to restore. Leave --restore out to provision it`);
  }
  if (keeps) {
    const until = new Date(state.stateKeptUntil).toISOString();
    throw new Refused(
      `${id} was removed and its state is kept until ${until}. Take it up with \`creel provision ${id} --restore\`, or let it go with \`creel remove ${id} --purge\``,
    );
  }
  if (!isAlive(state)) return request.how === 'new' ? demandUnused(state, id, birth) : undefined;
  if (request.how === 'take up' && state.life?.mark.birth !== birth) {
    throw new Refused(`${id} lives with birth ${state.life?.mark.birth}. Remove it before birth ${birth} is taken up`);
  }
  if (state.life && differing(state.life.spec, spec).length > 0 && !corrects(state, request)) {
    const has = state.life.spec;
    throw new Refused(
      `${id} exists with another spec (${differences(has, spec)}). ${waysTo(id, has, spec)}. \`creel provision ${id}\` repairs it as it is`,
    );
  }
}

/**
 * Whether a take-up corrects what was wished for this life and could never be so: nothing of the record has been proved since it was
 * taken up or restored, or it was seen to be of the very release that is asked for.
 */
function corrects(state: GatewayState, { how, spec }: ProvisionRequest): boolean {
  const { phase, record, reason, running, queue } = state;
  if (how !== 'take up' || phase !== 'degraded' || running || queue.length > 0) return false;
  return record === undefined || [belongsTo, runsRelease].some((words) => reason.includes(words(spec.release)));
}

/**
 * A request that is forgotten proposes the birth that it proposed the first time. Keys and names come from the birth, and a new life counts
 * its tokens from 1: a token that was taken out of force in the life before would be in force again.
 */
function demandUnused(state: GatewayState, id: string, birth: string): void {
  const known = [...state.ended, ...state.answered.map(({ end }) => end)].some((end) => end?.birth === birth);
  if (!known && state.life?.mark.birth !== birth) return;
  throw new Refused(
    `birth ${birth} was that of an earlier life of ${id}, whose tokens would be in force again: this request was made long ago and is forgotten. A new wish needs a new request id`,
  );
}

/** What a removal had to leave is on this record only: another life would forget it. */
function demandRemoved(state: GatewayState, id: string, takenUp: string | undefined): void {
  if (state.left.length === 0 || state.life?.mark.birth === takenUp) return;
  const left = state.left.map(({ step, reason }) => `${step}: ${reason}`).join('; ');
  throw new Refused(`${id} is not removed whole yet, left is ${left}. \`creel remove ${id}\` goes on with it`);
}

/** State is taken up by the release that it belongs to: another one would change it with no way back. */
function demandRelease(state: GatewayState, id: string, { release }: GatewaySpec): void {
  const belongs = state.life?.spec.release ?? unknownRelease;
  if (release === belongs || belongs === unknownRelease) return;
  throw new Refused(
    `the kept state of ${id} belongs to release ${belongs}, not ${release}. Take it up with --release ${belongs}; \`creel upgrade ${id} --release ${release}\` comes after it`,
  );
}

function checkRemove(state: GatewayState, request: RemoveRequest): void {
  if (typeof request.purge !== 'boolean') throw new Refused('a removal says whether it purges');
  if (request.gone !== undefined) return checkGone(state, request.gone, request.birth);
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
  if (life) demandRemoved(state, life.gateway, undefined);
  if (isRemoving(state)) throw new Refused(`another removal is under way. Ask again when it has ended`);
}

/** Only of the engine on record can be said that it is gone with everything on it. */
function checkGone(state: GatewayState, gone: string, birth: string | undefined): void {
  const { life } = state;
  if (!life) throw new Refused('no gateway of this id stands on any engine');
  const id = life.mark.gateway;
  if (birth !== undefined && birth !== life.mark.birth)
    throw new Refused(`the gateway on record has birth ${life.mark.birth}, not ${birth}`);
  const { engine } = life.place;
  if (engine === gone) return;
  throw new Refused(
    `${id} stands on ${engine === undefined ? 'no engine that is known' : `engine ${engine}`}, not ${gone}`,
  );
}

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
  state.queue = state.queue.map((each) => (each.number === operation ? { ...each, engine } : each));
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
  const begins =
    request.kind === 'provision'
      ? !isAlive(state) && request.how !== 'restore'
      : request.birth !== undefined && request.birth !== state.life?.mark.birth;
  return begins || state.life?.place.engine === undefined ? request.place?.engine : undefined;
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
  if (request.kind !== 'provision') return push(state, request.kind, false, request);
  standOn(state, request);
  if (isAlive(state)) {
    if (state.life && corrects(state, request)) state.life = { ...state.life, spec: gatewaySpec(request.spec) };
    if (state.owed && isReplacement(state.owed)) queueOwed(state);
    return join(state, 'repair') ?? push(state, 'repair', false);
  }
  const mark = { deployment, gateway, birth: gatewayBirth(request.birth), layout };
  const spec = gatewaySpec(request.spec);
  if (request.how === 'restore' && state.life) {
    state.life = { ...state.life, spec };
    state.stateKeptUntil = 0;
    return begin(state, 'restore', now);
  }
  const key = request.keyId === undefined ? {} : { keyId: request.keyId };
  beginLife(state, { mark, place: request.place, spec, tokenGeneration: 1, deviceGeneration: 1, ...key });
  if (request.how === 'take up') state.entered = replacementOwns.map((step) => ({ step, unsettledUntil: 0 }));
  return begin(state, request.how === 'take up' ? 'take-up' : 'provision', now);
}

/** What older versions did: a record that names no engine takes the one of an operator's word. */
function standOn(state: GatewayState, { place }: ProvisionRequest | RemoveRequest): void {
  const { life } = state;
  if (life && life.place.engine === undefined && place?.engine !== undefined)
    state.life = { ...life, place: { ...life.place, engine: place.engine } };
}

/** Nothing of the life before it counts any more; only names that are the same can be touched by what is still out of it. */
function beginLife(state: GatewayState, life: Gateway): void {
  if (state.life?.mark.birth !== life.mark.birth) delete state.unsettledUntil;
  state.newRun = state.life !== undefined;
  state.life = life;
  state.entered = [];
  state.record = undefined;
  state.skipped = [];
  state.left = [];
  delete state.resting;
  delete state.backFrom;
  delete state.owed;
  delete state.burned;
  delete state.approved;
  delete state.handOver;
  delete state.kept;
  delete state.failed;
  delete state.dropping;
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
    const life = {
      mark,
      place: request.place ?? unknownPlace,
      spec: lostSpec,
      tokenGeneration: 1,
      deviceGeneration: 1,
    };
    beginLife(state, life);
    state.entered = [...provisionSteps, ...replacementOwns].map((step) => ({ step, unsettledUntil: 0 }));
    setPhase(state, 'queued', '', now);
  }
  standOn(state, request);
  if (request.gone !== undefined) return enqueueGone(state, request);
  if (state.stateKeptUntil > 0)
    return request.purge ? (join(state, 'purge') ?? push(state, 'purge', true)) : lastNumber(state, request);
  const waiting = [...(state.running ? [state.running] : []), ...state.queue].find((each) => each.kind === 'remove');
  if (waiting && (waiting.purge || !request.purge)) return waiting.number;
  if (waiting) return push(state, 'remove', true);
  if (state.life !== undefined && !isAlive(state) && state.entered.length === 0) return lastNumber(state, request);
  for (const { kind, change } of state.queue) if (kind === 'way-back' && change) oweLost(state, change);
  withdrawQueue(state, 'the gateway is being removed');
  return push(state, 'remove', request.purge);
}

/** A record that ends without its engine: whatever waits or runs there is not waited for. */
function enqueueGone(state: GatewayState, request: RemoveRequest): number {
  const waiting = [...(state.running ? [state.running] : []), ...state.queue].find(({ gone }) => gone);
  if (waiting) return waiting.number;
  const isOver = !isAlive(state) && state.running === undefined && state.queue.length === 0;
  if (isOver && state.stateKeptUntil === 0 && state.left.length === 0 && state.entered.length === 0)
    return lastNumber(state, request);
  withdrawQueue(state, 'the engine of the gateway is gone for good');
  const number = push(state, state.stateKeptUntil > 0 ? 'purge' : 'remove', true);
  state.queue = state.queue.map((each) => (each.number === number ? { ...each, gone: true as const } : each));
  return number;
}

/** What is removed already is answered with the operation that did it. */
function lastNumber(state: GatewayState, request: RemoveRequest): number {
  return state.ended.at(-1)?.number ?? push(state, 'remove', request.purge);
}

export function endOf(state: GatewayState, operation: number): End | undefined {
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

/** What was asked for, without what each sender makes up or reads anew: a birth that is proposed, and the newest key. */
function contentOf(request: Request): string {
  if (request.kind !== 'provision') return canonical({ ...request, place: unknownPlace, requestId: '', origin: '' });
  const { birth, keyId: _keyId, ...rest } = request;
  return canonical({ ...rest, ...(request.how === 'take up' && { birth }), requestId: '', origin: '' });
}

/** The place of whoever names none, as older clients wrote it. */
const unknownPlace: Place = { provider: 'local', host: 'local' };

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
