import { NotYet, Refused } from '../../domain/errors.js';
import {
  fleetRequestId,
  type Fleet,
  type FleetLook,
  type FleetPage,
  type FleetSurvey,
  type Seen,
} from '../../domain/fleet/fleet.js';
import { firstReady, fleetOf, nextTurns } from '../../domain/fleet/order.js';
import { fleetSilenceMs, fleetSize } from '../../domain/thresholds.js';
import type { RotateRequest } from '../../wire/change-requests.js';
import type { FleetAsk, FleetEndKind, FleetWatched } from '../../wire/fleet.js';
import type { Standing } from '../../wire/description.js';
import type { Deps } from '../../world/deps.js';
import { say } from '../../world/sentence.js';
import { until } from '../../world/until.js';

/** How often a gateway is asked about its rotation, which takes a second or two. */
const paceMs = 500;

/**
 * The look of a run that an older version began: at every gateway at once. `Refused` beside another run over the fleet.
 */
export async function findFleet(deps: Deps, asked: string | { run: string; toKey: string }): Promise<Fleet> {
  const { run, toKey } = typeof asked === 'string' ? { run: asked, toKey: undefined } : asked;
  await demandAlone(deps, run);
  const fleet = await deps.records.lookAtFleet(run, toKey);
  if (fleet.members.length <= fleetSize) return fleet;
  throw new Refused(
    `${fleet.members.length} gateways take part: a run that an older creel began holds ${fleetSize}. Begin another one`,
  );
}

/**
 * Looks at one page of the fleet and counts, before any gateway is asked. `Refused` beside another run over the fleet.
 */
export async function surveyFleet(deps: Deps, asked: FleetLook): Promise<FleetSurvey> {
  if (asked.after === '') await demandAlone(deps, asked.run);
  const { fleet, seen, after } = await look(deps, asked);
  const first = firstReady(fleet, seen);
  const counts = { members: fleet.members.length, leftOut: fleet.leftOut.length, silent: fleet.silent };
  return { ...counts, ...(first && { first }), ...after };
}

/** Looks at one page of gateways whose turn it is. */
export async function findFleetPage(deps: Deps, asked: FleetLook): Promise<FleetPage> {
  const { fleet, after } = await look(deps, asked);
  return { ...fleet, ...after };
}

async function demandAlone(deps: Deps, run: string): Promise<void> {
  const [other] = (await deps.findOpenOperations('fleet/')).filter((id) => !id.endsWith(`/${run}`));
  const name = other?.split('/').at(-1);
  if (name !== undefined)
    throw new Refused(
      `run ${name} goes through the fleet already. \`creel fleet status ${name} --follow\` waits for its end, \`creel fleet abort ${name}\` ends it`,
    );
}

type Looked = { fleet: Required<Fleet>; seen: Map<string, Seen>; after: { readonly after?: string } };

async function look(deps: Deps, asked: FleetLook): Promise<Looked> {
  const all: string[] = [];
  for await (const id of deps.records.gateways()) all.push(id);
  const { ids, ...after } = nextTurns(asked, all);
  const seen = await see(deps, ids);
  for (const [id, each] of seen) if (each === undefined) seen.delete(id); // Without a record there is no gateway.
  return { fleet: fleetOf(asked.run, seen, asked.toKey), seen, after };
}

/**
 * Asks the given gateways. When none answers, this worker may be the late one: they count as silent only after a while.
 */
async function see(deps: Deps, ids: readonly string[]): Promise<Map<string, Seen>> {
  for (const began = Date.now(); ;) {
    try {
      return await deps.records.see(ids);
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      if (Date.now() - began > fleetSilenceMs) return new Map(ids.map((id) => [id, 'silent']));
      say(error.message);
      deps.signal()?.throwIfAborted();
    }
  }
}

/** Asks one gateway for its rotation, in exactly the life that was seen. */
export async function requestRotation(deps: Deps, to: FleetAsk): Promise<FleetWatched> {
  const { gateway, birth, run, origin, latestStart, keyId } = to;
  const requestId = fleetRequestId(run, gateway);
  const wish = { kind: 'rotate', reclaim: false, evict: false } as const;
  const key = keyId === undefined ? {} : { keyId };
  const asked: RotateRequest = { ...wish, ...key, requestId, origin, birth, latestStart };
  try {
    return (await deps.records.request(gateway, asked)) ? { state: 'asked' } : gone;
  } catch (error) {
    if (error instanceof NotYet && Date.now() > latestStart) return ended('withdrawn', silent);
    if (!(error instanceof Refused)) throw error;
    return (await isGone(deps, gateway, birth)) ? gone : ended('refused', error.message);
  }
}

/**
 * Waits for the end of a rotation. One that still waits behind a park, or past its latest start, is to be withdrawn.
 */
export async function awaitRotation(deps: Deps, asked: FleetAsk): Promise<FleetWatched> {
  const { gateway, run, limitMs } = asked;
  return until({ what: `the rotation of ${gateway}`, paceMs, limitMs }, deps.signal(), async () => {
    const standing = await deps.records.standing(gateway, fleetRequestId(run, gateway));
    const watched = await watchedAs(deps, asked, standing);
    if (watched.state === 'asked') throw new NotYet(`the rotation of ${gateway} ${words[standing?.state ?? '']}`);
    return watched;
  });
}

const words: Record<string, string> = { queued: 'waits for its turn', running: 'runs' };

/** Withdraws a rotation that has not begun. One that has begun goes on, and its end is to be awaited. */
export async function withdrawRotation(
  deps: Deps,
  asked: FleetAsk & { end: FleetEndKind; reason: string },
): Promise<FleetWatched> {
  const { gateway, run, end, reason } = asked;
  const standing = await deps.records
    .withdraw(gateway, { requestId: fleetRequestId(run, gateway), reason })
    .catch((error: unknown): typeof silent => {
      if (error instanceof NotYet && Date.now() > asked.latestStart) return silent;
      throw error;
    });
  if (standing === silent) return ended(end, silent);
  if (standing?.state === 'withdrawn' && !standing.gone) return ended(end, reason);
  const watched = await watchedAs(deps, asked, standing);
  return watched.state === 'waits' ? { state: 'asked' } : watched;
}

async function watchedAs(deps: Deps, asked: FleetAsk, standing: Standing | undefined): Promise<FleetWatched> {
  const { gateway, birth, latestStart } = asked;
  if (!standing)
    return (await isGone(deps, gateway, birth)) ? gone : ended('failed', 'its record knows nothing of the request');
  const { state, reason, park } = standing;
  if (state === 'done') return ended('done', '');
  if (standing.gone && state !== 'running') return gone;
  if (state === 'running')
    return park ? ended('parked', `parked (${park.number}): ${park.reason}`) : { state: 'asked' };
  if (state === 'queued') {
    if (park) return { state: 'waits', end: 'parked', reason: `it waited behind a parked operation (${park.number})` };
    if (Date.now() <= latestStart) return { state: 'asked' };
    return { state: 'waits', end: 'withdrawn', reason: `it had not begun by ${new Date(latestStart).toISOString()}` };
  }
  return state === 'withdrawn' ? ended('withdrawn', reason) : ended('failed', `${state}: ${reason}`);
}

/** Past its latest start, an unanswered request will not be begun any more. */
const silent = 'the gateway does not answer';

/** Whether the life that was meant has ended, or is about to. */
async function isGone(deps: Deps, gateway: string, birth: string): Promise<boolean> {
  const told = await deps.records.describe(gateway);
  if (!told || told.life?.mark.birth !== birth) return true;
  return ['removed', 'none', 'removing'].includes(told.phase) || told.queue.some(({ kind }) => kind === 'remove');
}

function ended(end: FleetEndKind, reason: string): FleetWatched {
  return { state: 'ended', end, reason };
}

const gone = ended('gone', 'the gateway was removed meanwhile');
