import { replacementLabel } from '../changes/replacement.js';
import type { Mark } from '../gateway/gateway.js';
import type { Living, Owner, Removed } from './owner.js';
import { holdsState, roleOf, type Thing } from './thing.js';

/** What is to become of a thing. */
export type Verdict =
  | { readonly is: 'owned' }
  /** Nobody's, and proved so by the record of its own gateway. */
  | { readonly is: 'remove'; readonly proof: string }
  /** Not known to be anybody's, and not proved to be nobody's. `lost`: no record speaks for it at all. */
  | { readonly is: 'report'; readonly reason: string; readonly lost: boolean };

/** An engine by its id, and the ids it had before. */
export type Standing = { readonly engine: string; readonly was?: readonly string[] };

/**
 * The replacement that made the container which now bears the gateway's own name: 0 before the first, absent without
 * such a container. A record that was restored from a backup may be older than that container.
 */
export type Serving = { readonly replacement?: number };

const owned: Verdict = { is: 'owned' };

/**
 * Judges one thing by what the record of its gateway says. Deleting needs proof: only what a record of exactly this
 * birth has given up goes; whatever no record speaks for is reported, and stays.
 */
export function judge(thing: Thing, owner: Owner, on: Standing, serving: Serving): Verdict {
  const proving = provingRecord(thing.mark, owner);
  if ('reason' in proving) return proving;
  return judgeBy(thing, proving, on, serving);
}

/** The record of exactly this birth; or, where there is none, why nothing speaks for what carries its mark. */
export function provingRecord(
  { gateway, birth }: Mark,
  owner: Owner,
): Living | Removed | Extract<Verdict, { is: 'report' }> {
  if (owner.is === 'unknown') return report(`no record of ${gateway} is here, which proves nothing`, true);
  if (owner.is === 'ended') return report(`the record of ${gateway} was ${owner.how}, which proves nothing`, true);
  if (owner.birth === birth) return owner;
  return report(`the record of ${gateway} is of birth ${owner.birth}, and says nothing of birth ${birth}`, true);
}

function judgeBy(thing: Thing, owner: Living | Removed, on: Standing, serving: Serving): Verdict {
  const { gateway } = thing.mark;
  if (owner.engine !== undefined && ![on.engine, ...(on.was ?? [])].includes(owner.engine))
    return report(`the record of ${gateway} says that it stands on engine ${owner.engine}: this may be a copy`, false);
  return owner.is === 'living' ? judgeLiving(thing, owner, serving) : judgeRemoved(thing, owner);
}

function judgeLiving(thing: Thing, { busy, settled, replacement, former }: Living, serving: Serving): Verdict {
  const role = roleOf(thing);
  if (busy || role === 'own' || role === 'state') return owned;
  const what = `${thing.mark.gateway} is ready and no operation is under way`;
  if (role === 'unknown') return report(unknown, false);
  if (!settled) return owned; // A way back may still need it.
  if (serving.replacement !== replacement)
    return report(`the container of ${thing.mark.gateway} is not the one on record, which may be an older one`, false);
  if (role === 'former') return { is: 'remove', proof: `${what}: the previous container is done with` };
  if (role !== 'saved state') return { is: 'remove', proof: `${what}: nobody copies or tries anything` };
  const shelf = thing.name.slice(-1);
  if (shelf === former) return owned;
  const number = Number(thing.labels[replacementLabel]);
  if (!(number <= replacement)) return report('a saved state of a replacement that is on no record', false);
  return { is: 'remove', proof: `${what}: its record goes back to ${former ? `another state` : 'no saved state'}` };
}

function judgeRemoved(thing: Thing, { busy, left, keptUntil, stateGoes, engine }: Removed): Verdict {
  const { gateway, birth } = thing.mark;
  const role = roleOf(thing);
  if (busy) return owned;
  if (left) return owned; // Named in the record, with the command that goes on.
  if (role === 'unknown') return report(unknown, false);
  if (engine === undefined) return report(`the record of ${gateway} names no engine that it was removed from`, false);
  const proof = `birth ${birth} of ${gateway} was removed, by its own record`;
  if (keptUntil !== undefined) {
    if (holdsState(thing)) return owned;
    if (role !== 'own') return { is: 'remove', proof };
    return report(`${gateway} was removed and its state is kept: a later record may have taken it up again`, false);
  }
  if (!holdsState(thing) || stateGoes) return { is: 'remove', proof };
  return report(`${gateway} was removed, but its record does not say that its state was to go`, false);
}

const unknown = 'this version of creel makes nothing of this name: a newer one may have';

function report(reason: string, lost: boolean): Extract<Verdict, { is: 'report' }> {
  return { is: 'report', reason, lost };
}
