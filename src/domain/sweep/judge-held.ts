import type { Held } from '../hosts/held.js';
import { machineNames } from '../hosts/machine.js';
import { regionKey, type RegionAt } from '../hosts/region.js';
import type { Mark } from '../gateway/gateway.js';
import { provingRecord, type Verdict } from './judge.js';
import type { Living, Owner, Removed } from './owner.js';

/** A thing in a region that carries a mark of this deployment. */
export type HeldThing = Pick<Held, 'name'> & { readonly kind: Exclude<Held['kind'], 'key'>; readonly mark: Mark };

/**
 * Judges a machine, an address or a snapshot by what the record of its gateway says. Only what a record of exactly this
 * birth, in this region, has given up goes, and then all of it: a machine carries the state on its disk. A machine
 * that stands still costs what one does that runs, so nothing of it is stopped.
 */
export function judgeHeld(thing: HeldThing, owner: Owner, region: RegionAt): Verdict {
  const record = provingRecord(thing.mark, owner);
  return 'reason' in record ? record : judgeBy(thing, record, region);
}

function judgeBy(thing: HeldThing, owner: Living | Removed, region: RegionAt): Verdict {
  const { gateway, birth } = thing.mark;
  if (!isOwn(thing))
    return report(`${thing.kind} ${thing.name} is named otherwise than creel names those of ${gateway}`);
  if (!owner.at) return report(`the record of ${gateway} says that it stands on no machine of its own`);
  if (regionKey(owner.at) !== regionKey(region))
    return report(`the record of ${gateway} says that its machine is in ${regionKey(owner.at)}: this may be a copy`);
  if (owner.is === 'living' || owner.busy || owner.left || owner.keptUntil !== undefined) return { is: 'owned' };
  if (owner.stateGoes) return { is: 'remove', proof: `birth ${birth} of ${gateway} was removed, by its own record` };
  return report(`${gateway} was removed, but its record does not say that its state was to go`);
}

/** Whether it may hold what a customer has nowhere else. */
export function heldState(kind: Held['kind']): boolean {
  return kind === 'machine' || kind === 'snapshot';
}

/** Whether it bears the name that creel gives such a thing; a snapshot may have any. */
function isOwn({ kind, name, mark }: HeldThing): boolean {
  const own = machineNames(mark);
  return kind === 'snapshot' || name === own[kind];
}

function report(reason: string): Verdict {
  return { is: 'report', reason, lost: false };
}
