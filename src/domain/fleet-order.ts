import { createHash } from 'node:crypto';
import { Refused } from './errors.js';
import type { Fleet, LeftOut, Member, Seen } from './fleet.js';
import { fleetSize } from './thresholds.js';

/**
 * The fleet from what each gateway said: all that live and are rotated by schedule, spread by a hash of run and id. The
 * first is one that is ready: what becomes of another says nothing of the rotation. To another key, if one is named, go all that
 * live and have it not yet, whatever their schedule.
 */
export function fleetOf(run: string, seen: ReadonlyMap<string, Seen>, toKey?: string): Fleet {
  const members: Member[] = [];
  const leftOut: LeftOut[] = [];
  const silent: LeftOut[] = [];
  for (const [gateway, each] of seen) {
    const reason = each === 'silent' ? undefined : whyLeftOut(each, toKey);
    if (each === 'silent') silent.push({ gateway, reason: 'it does not answer: see its run in the Temporal UI' });
    else if (reason !== undefined) leftOut.push({ gateway, reason });
    else if (each?.life) members.push({ gateway, birth: each.life.mark.birth, place: each.life.place });
  }
  if (members.length > fleetSize)
    throw new Refused(`${members.length} gateways take part: one run over the fleet holds ${fleetSize}`);
  const order = new Map(members.map(({ gateway }) => [gateway, placeOf(run, gateway)]));
  const by = (one: Member, other: Member) =>
    (order.get(one.gateway) ?? '') < (order.get(other.gateway) ?? '') ? -1 : 1;
  const sorted = members.toSorted(by);
  const first = sorted.find(({ gateway }) => isReady(seen.get(gateway)));
  return {
    members: first ? [first, ...sorted.filter((each) => each !== first)] : sorted,
    leftOut: byName(leftOut),
    silent: byName(silent),
  };
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
  if (toKey !== undefined) return seen.life.keyId === toKey ? `it is derived from key ${toKey} already` : undefined;
  if (seen.life.spec.rotation !== 'scheduled') return 'its spec says rotation: manual';
  return undefined;
}

function placeOf(run: string, gateway: string): string {
  return createHash('sha256').update(`${run}\0${gateway}`).digest('hex');
}
