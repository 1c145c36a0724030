import { whySuspended } from '../../domain/changes/suspension.js';
import { demandHeard } from '../../domain/channels/channel.js';
import { jsonBytes } from '../../domain/cut.js';
import { keyId } from '../../domain/keys/deployment-keys.js';
import { Refused } from '../../domain/errors.js';
import { fingerprint } from '../../domain/fingerprint.js';
import { isMachine } from '../../domain/hosts/place.js';
import { gatewayBirth, gatewayPlace } from '../../domain/gateway/gateway.js';
import type { Recovered } from '../../domain/recovery/exported.js';
import { unknownRelease } from '../../domain/release/release.js';
import { belongsTo, runsRelease } from '../../domain/gateway/state-mark.js';
import { demandWhole, gatewaySpec, type GatewaySpec } from '../../domain/gateway/spec.js';
import { differences, differing, waysTo } from '../../domain/gateway/spec-words.js';
import { answeredLength, approvedLength, queueBytes, startPeriodMs } from '../../domain/thresholds.js';
import { answeredTo, isAlive, isRemoving, openNumbers, stateKeptUntil, type GatewayState } from '../record/state.js';
import { askedIn } from '../record/queued.js';
import { checkChange } from './check-change.js';
import type { Limits } from '../../wire/limits.js';
import type { ProvisionRequest, RemoveRequest, Request } from '../../wire/requests.js';
import { contentOf } from './content.js';

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

/** Only a provision chooses a place; any other request that names one must name the one on record. */
function checkPlace(state: GatewayState, request: Request): void {
  const on = state.life?.gateway;
  if (request.kind !== 'provision' && request.place === undefined) return;
  const place = gatewayPlace(request.place);
  const { engine } = place;
  if (request.kind === 'provision' && isMachine(place) && !gatewaySpec(request.spec).machine)
    throw new Refused('a place on a machine of its own needs a spec with a [machine]');
  const stands = on?.place.engine;
  const begins = request.kind === 'provision' && !isAlive(state) && request.how !== 'restore';
  if (on === undefined || begins || engine === undefined || stands === undefined || engine === stands) return;
  const id = on.mark.gateway;
  throw new Refused(
    `${id} stands on engine ${stands}, not ${engine}, and a gateway does not move. Leave the engine out`,
  );
}

/**
 * Holds a checked request against what an older creel did not demand, or `Refused`: senders in their forms, and no fractions. What
 * stands on record already goes on. Apart from `checkRequest`, because stored histories hold requests that it let pass.
 */
export function checkForms(state: GatewayState, request: Request): void {
  const { channels = [], ...onRecord } = state.life?.gateway.spec ?? {};
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
  const id = state.life?.gateway.mark.gateway ?? 'this gateway';
  const remedy = `Ask again when some have ended: \`creel describe ${id}\` shows what holds them up`;
  if (state.queue.length >= queueLength) throw new Refused(`${state.queue.length} operations wait already. ${remedy}`);
  const open = openNumbers(state);
  const waiting = state.answered.filter(({ operation }) => open.has(operation)).length;
  if (waiting >= answeredLength) throw new Refused(`${waiting} requests wait already. ${remedy}`);
  if (request.kind === 'provision') return; // Nothing of it waits but its number.
  const bytes = jsonBytes(request);
  if (bytes > queueBytes) throw new Refused(`the request is ${bytes} bytes long: ${queueBytes} at most`);
  const asked = state.queue.map(askedIn);
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
  if (spec.machine && !state.life && request.place.engine !== undefined && !isMachine(request.place))
    throw new Refused('a gateway on a machine of its own stands on no other engine. Leave the engine and the host out');
  if (request.keyId !== undefined) keyId(request.keyId);
  const id = state.life?.gateway.mark.gateway ?? 'this gateway';
  if (!['new', 'restore', 'take up'].includes(request.how))
    throw new Refused('a provision is new, a restore or a take up');
  if (request.recovered !== undefined) checkRecovered(request.how, request.recovered);
  if (isRemoving(state)) throw new Refused(`${id} is being removed. Ask again when it is gone`);
  if (!isAlive(state)) demandRemoved(state, id, request.how === 'take up' ? birth : undefined);
  const keptUntil = stateKeptUntil(state);
  const keeps = keptUntil > 0;
  if (request.how === 'restore') {
    if (keeps) return demandRelease(state, id, spec);
    throw new Refused(`${id} has no kept state to restore. Leave --restore out to provision it`);
  }
  if (keeps) {
    const until = new Date(keptUntil).toISOString();
    throw new Refused(
      `${id} was removed and its state is kept until ${until}. Take it up with \`creel provision ${id} --restore\`, or let it go with \`creel remove ${id} --purge\``,
    );
  }
  if (!isAlive(state)) return request.how === 'new' ? demandUnused(state, id, birth) : undefined;
  if (request.how === 'take up' && state.life?.gateway.mark.birth !== birth) {
    throw new Refused(
      `${id} lives with birth ${state.life?.gateway.mark.birth}. Remove it before birth ${birth} is taken up`,
    );
  }
  if (state.life?.suspended) throw new Refused(whySuspended(id, state.life.suspended));
  const has = state.life?.gateway.spec;
  if (has && differing(has, spec).length > 0 && !corrects(state, request)) {
    throw new Refused(
      `${id} exists with another spec (${differences(has, spec)}). ${waysTo(id, has, spec)}. \`creel provision ${id}\` repairs it as it is`,
    );
  }
}

function checkRecovered(
  how: ProvisionRequest['how'],
  { burned, approved, keptUntil = 0, suspended, ...life }: Recovered,
): void {
  const generations = [life.tokenGeneration, life.deviceGeneration, ...(burned ? [burned.token, burned.device] : [])];
  const whole = generations.every((each) => Number.isSafeInteger(each) && each >= 1) && Number.isSafeInteger(keptUntil);
  const known = Array.isArray(approved) && approved.length <= approvedLength;
  const said =
    suspended === undefined || (Number.isSafeInteger(suspended.since) && typeof suspended.reason === 'string');
  if (how === 'take up' && said && whole && known && approved.every((each) => typeof each === 'string')) return;
  throw new Refused('what an export says of a life goes with a take up alone, with whole generations and its devices');
}

/**
 * Whether a take-up corrects what was wished for this life and could never be so: nothing of the record has been proved since it was
 * taken up or restored, or it was seen to be of the very release that is asked for. Not while a way back is owed: it leads to the spec
 * on record.
 */
export function corrects(state: GatewayState, { how, spec }: ProvisionRequest): boolean {
  const { life, phase, reason, running, queue } = state;
  if (how !== 'take up' || phase !== 'degraded' || running || queue.length > 0 || life?.owed) return false;
  return life?.record === undefined || [belongsTo, runsRelease].some((words) => reason.includes(words(spec.release)));
}

/**
 * A request that is forgotten proposes the birth that it proposed the first time. Keys and names come from the birth, and a new life counts
 * its tokens from 1: a token that was taken out of force in the life before would be in force again.
 */
function demandUnused(state: GatewayState, id: string, birth: string): void {
  const known = [...state.ended, ...state.answered.map(({ end }) => end)].some((end) => end?.birth === birth);
  if (!known && state.life?.gateway.mark.birth !== birth) return;
  throw new Refused(
    `birth ${birth} was that of an earlier life of ${id}, whose tokens would be in force again: this request was made long ago and is forgotten. A new wish needs a new request id`,
  );
}

/** What a removal had to leave is on this record only: another life would forget it. */
function demandRemoved(state: GatewayState, id: string, takenUp: string | undefined): void {
  const { life } = state;
  if (!life || life.left.length === 0 || life.gateway.mark.birth === takenUp) return;
  const left = life.left.map(({ step, reason }) => `${step}: ${reason}`).join('; ');
  throw new Refused(`${id} is not removed whole yet, left is ${left}. \`creel remove ${id}\` goes on with it`);
}

/** State is taken up by the release that it belongs to: another one would change it with no way back. */
function demandRelease(state: GatewayState, id: string, { release }: GatewaySpec): void {
  const belongs = state.life?.gateway.spec.release ?? unknownRelease;
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
  const life = state.life?.gateway.mark;
  if (life?.birth === birth) return;
  if (life && stateKeptUntil(state) > 0) {
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
  if (!state.life) throw new Refused('no gateway of this id stands on any engine');
  const { mark, place } = state.life.gateway;
  const id = mark.gateway;
  if (birth !== undefined && birth !== mark.birth)
    throw new Refused(`the gateway on record has birth ${mark.birth}, not ${birth}`);
  const { engine } = place;
  if (isMachine(place))
    throw new Refused(`${id} stands on a machine of its own, which is removed with it: \`creel remove ${id} --purge\``);
  if (engine === gone) return;
  throw new Refused(
    `${id} stands on ${engine === undefined ? 'no engine that is known' : `engine ${engine}`}, not ${gone}`,
  );
}
