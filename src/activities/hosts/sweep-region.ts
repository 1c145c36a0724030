import { Foreign } from '../../domain/errors.js';
import { isNamedLikeOurs } from '../../domain/gateway/gateway.js';
import { fleetKeyName } from '../../domain/hosts/fleet-key.js';
import type { Held } from '../../domain/hosts/held.js';
import { regionKey, type RegionAt } from '../../domain/hosts/region.js';
import { heldState, judgeHeld, type HeldThing } from '../../domain/sweep/judge-held.js';
import type { Owner } from '../../domain/sweep/owner.js';
import type { Gone, Named, Reported, SweepPage } from '../../wire/sweep.js';
import type { Deps } from '../../world/deps.js';
import { machinesOf } from '../parts/machine/own-machine.js';
import { eachMachine, lookInTime } from './machine-look.js';
import { ownersOf } from './owners.js';
import { findUnowned, type LookAsked } from './sweep.js';

export type RegionAsked = Omit<LookAsked, 'was' | 'at'> & { readonly at: RegionAt };

type Ours = Held & HeldThing;

/**
 * What one page of the lives in a region holds that no record owns: machines, addresses, snapshots and keys, and what is
 * on the engines of machines that stand as their records say. Only looks.
 */
export async function findUnownedIn(deps: Deps, asked: RegionAsked): Promise<SweepPage> {
  const { provider } = machinesOf(deps);
  const { lives, strange, foreign } = sorted(deps, asked, await provider.listHeld(asked.at.region));
  const order = [...lives.keys()].toSorted();
  const page = order.filter((life) => life > asked.after).slice(0, asked.limit);
  const isFirst = asked.after === '';
  const owners = await ownersOf(deps, page);
  const things = page.flatMap((life) => lives.get(life) ?? []);
  const found = things.map((thing) => told(thing, ownerIn(owners, thing), asked.at));
  const within = await lookWithin(deps, things, owners, asked);
  const last = page.at(-1);
  const odd = isFirst ? strange : [];
  const pages = within.flatMap((each) => ('remove' in each ? [each] : []));
  return {
    things: things.length + odd.length + pages.reduce((sum, each) => sum + each.things, 0),
    lives: page.length,
    remove: [
      ...found.flatMap((each) => (each && 'proof' in each ? [each] : [])),
      ...pages.flatMap((each) => each.remove),
    ],
    report: [
      ...found.flatMap((each) => (each && 'reason' in each ? [each] : [])),
      ...within.flatMap((each) => ('changed' in each ? [each.changed] : [])),
      ...pages.flatMap((each) => each.report),
      ...odd,
    ],
    foreign: added([isFirst ? foreign : {}, ...pages.map((each) => each.foreign)]),
    unasked: within.flatMap((each) => ('why' in each ? [{ engine: each.engine, reason: each.why }] : [])),
    ...(order.at(-1) !== last && last !== undefined && { next: last }),
  };
}

/** What carries our mark, by life; what no record can speak for; and how much is of other deployments. */
function sorted(deps: Deps, { at, only }: RegionAsked, held: readonly Held[]) {
  const { deployment } = deps.about;
  const lives = new Map<string, Ours[]>();
  const strange: Reported[] = [];
  const foreign: Record<string, number> = {};
  for (const each of held) {
    const { kind, mark } = each;
    if (only !== undefined && mark?.gateway !== only) continue;
    if (each.deployment !== undefined && each.deployment !== deployment)
      foreign[each.deployment] = (foreign[each.deployment] ?? 0) + 1;
    else if (mark && kind !== 'key') {
      const life = `${mark.gateway}/${mark.birth}`;
      lives.set(life, [...(lives.get(life) ?? []), { ...each, kind, mark }]);
    } else {
      const reason = whyStrange(deps, each);
      if (reason !== undefined) strange.push({ ...named(each, at), gateway: '', birth: '', reason, lost: false });
    }
  }
  return { lives, strange, foreign };
}

/** Why something that no record can speak for is reported; what creel has nothing to do with is not. */
function whyStrange(deps: Deps, { kind, name, deployment }: Held): string | undefined {
  if (kind === 'key' && deployment !== undefined) {
    const ours = machinesOf(deps)
      .fleetKeys()
      .map((key) => fleetKeyName(deployment, key));
    return ours.includes(name) ? undefined : 'no [[fleet_key]] of the worker’s lightsail.toml is this key';
  }
  if (deployment !== undefined) return 'it carries a part of our mark';
  if (!isNamedLikeOurs(name)) return undefined;
  return 'it is named as creel names things and carries no mark: somebody else made it, or took its tags away';
}

function told(thing: Ours, owner: Owner, at: RegionAt): Gone | Reported | undefined {
  const verdict = judgeHeld(thing, owner, at);
  if (verdict.is === 'owned') return undefined;
  const whose = { ...named(thing, at), gateway: thing.mark.gateway, birth: thing.mark.birth };
  if (verdict.is === 'remove') return { ...whose, proof: verdict.proof };
  return { ...whose, reason: verdict.reason, lost: verdict.lost };
}

function named({ kind, name, monthlyUsd }: Held, at: RegionAt): Omit<Named, 'gateway' | 'birth'> {
  return {
    engine: regionKey(at),
    at,
    kind,
    name,
    state: heldState(kind),
    ...(monthlyUsd !== undefined && { monthlyUsd }),
  };
}

/** What was seen on the engine of a machine; why it could not be; or that it is another one than on record. */
type Within = SweepPage | { readonly engine: string; readonly why: string } | { readonly changed: Reported };

/** Looks at the engines of those machines that stand where their records say, some at a time. */
async function lookWithin(
  deps: Deps,
  things: readonly Ours[],
  owners: ReadonlyMap<string, Owner>,
  { at, limit }: RegionAsked,
): Promise<Within[]> {
  const waiting = things.flatMap((thing) => {
    const owner = ownerIn(owners, thing);
    const isOwned = judgeHeld(thing, owner, at).is === 'owned';
    const engine = owner.is === 'living' || owner.is === 'removed' ? owner.engine : undefined;
    return thing.kind === 'machine' && thing.state === 'running' && isOwned && engine ? [{ thing, engine }] : [];
  });
  const seen = await eachMachine(waiting, ({ thing, engine }) =>
    lookOn(deps, thing, { engine, at: { ...at, host: thing.name }, limit, after: '' }),
  );
  return seen.flat();
}

async function lookOn(deps: Deps, thing: Ours, asked: LookAsked & { readonly at: RegionAt }): Promise<Within[]> {
  try {
    return await lookInTime(() => pagesOn(deps, asked));
  } catch (error) {
    deps.signal()?.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    if (!(error instanceof Foreign)) return [{ engine: `of machine ${thing.name}`, why }];
    const { gateway, birth } = thing.mark;
    const { provider, region } = asked.at;
    return [{ changed: { ...named(thing, { provider, region }), gateway, birth, reason: why, lost: false } }];
  }
}

async function pagesOn(deps: Deps, asked: LookAsked): Promise<SweepPage[]> {
  const page = await findUnowned(deps, asked);
  return page.next === undefined ? [page] : [page, ...(await pagesOn(deps, { ...asked, after: page.next }))];
}

function ownerIn(owners: ReadonlyMap<string, Owner>, { mark }: Ours): Owner {
  return owners.get(mark.gateway) ?? { is: 'unknown' };
}

function added(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const each of counts)
    for (const [deployment, count] of Object.entries(each)) sum[deployment] = (sum[deployment] ?? 0) + count;
  return sum;
}
