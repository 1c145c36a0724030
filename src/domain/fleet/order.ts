import { sha256Hex } from '../fingerprint.js';
import type { Fleet, LeftOut, Member, Seen } from './fleet.js';

/**
 * The fleet from what each gateway said: all that live and rotate by schedule, spread by a hash of run and id. In a
 * rotation to another key: all that live and do not have it yet, whatever their schedule.
 */
export function fleetOf(run: string, seen: ReadonlyMap<string, Seen>, toKey?: string): Required<Fleet> {
  const members: Member[] = [];
  const leftOut: LeftOut[] = [];
  const silent: LeftOut[] = [];
  for (const [gateway, each] of seen) {
    const reason = each === 'silent' ? undefined : whyLeftOut(each, toKey);
    if (each === 'silent') silent.push({ gateway, reason: 'it does not answer: see its run in the Temporal UI' });
    else if (reason !== undefined) leftOut.push({ gateway, reason });
    else if (each?.life) members.push({ gateway, birth: each.life.mark.birth, place: each.life.place });
  }
  const order = new Map(members.map(({ gateway }) => [gateway, placeOf(run, gateway)]));
  const by = (one: Member, other: Member) =>
    (order.get(one.gateway) ?? '') < (order.get(other.gateway) ?? '') ? -1 : 1;
  return { members: members.toSorted(by), leftOut: byName(leftOut), silent: byName(silent) };
}

/** The first of the fleet that is ready: the fate of any other says nothing about the rotation. */
export function firstReady({ members }: Fleet, seen: ReadonlyMap<string, Seen>): Member | undefined {
  return members.find(({ gateway }) => isReady(seen.get(gateway)));
}

/** The fleet with its first ready gateway in front. */
export function canaryFirst<F extends Fleet>(fleet: F, seen: ReadonlyMap<string, Seen>): F {
  const first = firstReady(fleet, seen);
  return first ? { ...fleet, members: [first, ...fleet.members.filter((each) => each !== first)] } : fleet;
}

/**
 * The next turns after a place in the order of a run, at most so many; `after` is the place of the last one when others
 * follow. A gateway's place is its own: those that come or go meanwhile move no other, so each is met once.
 */
export function nextTurns(
  { run, after, limit }: { readonly run: string; readonly after: string; readonly limit: number },
  ids: Iterable<string>,
): { ids: string[]; after?: string } {
  const ahead = [...new Set(ids)].map((id) => [placeOf(run, id), id] as const).filter(([place]) => place > after);
  const next = ahead.toSorted(([one], [other]) => (one < other ? -1 : 1)).slice(0, limit);
  const last = next.at(-1);
  return { ids: next.map(([, id]) => id), ...(last && ahead.length > limit && { after: last[0] }) };
}

function byName(each: readonly LeftOut[]): LeftOut[] {
  return each.toSorted((one, other) => (one.gateway < other.gateway ? -1 : 1));
}

function isReady(seen: Seen): boolean {
  return typeof seen === 'object' && seen.phase === 'ready';
}

function whyLeftOut(seen: Exclude<Seen, 'silent'>, toKey: string | undefined): string | undefined {
  if (!seen?.life || seen.phase === 'none') return 'nothing of it is on record';
  if (seen.phase === 'removed') return seen.stateKeptUntil ? 'it is removed, its state is kept' : 'it is removed';
  if (seen.removing) return 'it is being removed';
  if (seen.phase === 'suspended' || seen.phase === 'suspending') return 'it is suspended';
  if (toKey !== undefined) return seen.life.keyId === toKey ? `it is derived from key ${toKey} already` : undefined;
  if (seen.life.spec.rotation !== 'scheduled') return 'its spec says rotation: manual';
  return undefined;
}

function placeOf(run: string, gateway: string): string {
  return sha256Hex(`${run}\0${gateway}`);
}
