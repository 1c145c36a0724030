import { fingerprint } from '../fingerprint.js';
import { noticesLength } from '../thresholds.js';

/** How a subscription stands, as far as a gateway is concerned. */
export type Standing = 'active' | 'past due' | 'ended';

/** What a billing system says of one subscription at one moment. */
export type Notice = {
  /** The id of its event: told again, it is the same. */
  readonly id: string;
  readonly subscription: string;
  /** When that was so, by the billing system's own clock (epoch ms). */
  readonly at: number;
  readonly standing: Standing;
  /** The plan that is paid for, where this event says. */
  readonly plan?: string;
  /** Nothing that comes later begins it again: so with a subscription that was deleted. */
  readonly final?: true;
};

/** How long a gateway is left as it is (ms): when it was not paid for, until it is suspended; when it ended, until it is removed. */
export type Terms = { readonly unpaidMs: number; readonly endedMs: number };

/** A notice as it is remembered: the fingerprint of its id stands for it. */
type Heard = Omit<Notice, 'id' | 'subscription'> & { readonly id: string };

/**
 * What is known of the subscription that pays for a gateway: plain JSON, a format of the record. What was heard lies in
 * the order in which it was so, whatever the order in which it was told.
 */
export type Account = { readonly subscription: string; readonly terms: Terms; readonly heard: readonly Heard[] };

/** What came of a notice: a `late` one is older than everything that is remembered. */
export type Hearing = { readonly account: Account; readonly how: 'news' | 'known' | 'late' };

/** Takes in a notice; the terms are those of the plan as it is now. */
export function hear(account: Account | undefined, notice: Notice, terms: Terms): Hearing {
  const { subscription, ...said } = notice;
  const one: Heard = { ...said, id: fingerprint(notice.id) };
  const { heard = [] } = account ?? {};
  if (account && heard.some(({ id }) => id === one.id)) return { how: 'known', account };
  const all = bounded([...heard, one].toSorted(byTime));
  const how = all.includes(one) ? 'news' : 'late';
  return { how, account: { subscription, terms: account && how === 'late' ? account.terms : terms, heard: all } };
}

/** The newest, and what ended it for good, however old that is. */
function bounded(all: readonly Heard[]): readonly Heard[] {
  const newest = all.slice(-noticesLength);
  const end = all.find(({ final }) => final);
  return !end || newest.includes(end) ? newest : [end, ...newest.slice(1)];
}

const ranks: Readonly<Record<Standing, number>> = { 'past due': 0, active: 1, ended: 2 };

/** Clocks of billing systems are as fine as a second: of what was so in the same one, what pays counts, and what ends it before all. */
function byTime(one: Heard, other: Heard): number {
  return one.at - other.at || ranks[one.standing] - ranks[other.standing] || (one.id < other.id ? -1 : 1);
}

/** How a subscription stands, since when (epoch ms), and for which plan it was paid last. */
export type Stands = { readonly standing: Standing; readonly since: number; readonly plan?: string };

/** What everything that was heard comes to: the same, whatever the order in which it was told. */
export function standsAs({ heard }: Account): Stands {
  const ended = heard.find(({ final }) => final);
  const plan = heard.findLast((each) => each.plan !== undefined)?.plan;
  const named = plan === undefined ? {} : { plan };
  if (ended) return { standing: 'ended', since: ended.at, ...named };
  const standing = heard.at(-1)?.standing ?? 'past due';
  const before = heard.findLastIndex((each) => each.standing !== standing);
  return { standing, since: heard[before + 1]?.at ?? 0, ...named };
}

/**
 * What a gateway is to be now by its account; `until` when that changes by itself (epoch ms). `unpaid`: there is to be
 * none, and one that there is serves nobody.
 */
export type Due = { readonly be: 'serving' | 'unpaid' | 'gone'; readonly until?: number };

/** What an account comes to at a moment: what was paid for once is served on while its grace lasts. */
export function dueOf(account: Account, now: number): Due {
  const { standing, since } = standsAs(account);
  if (standing === 'active') return { be: 'serving' };
  const { endedMs, unpaidMs } = account.terms;
  const until = since + (standing === 'ended' ? endedMs : unpaidMs);
  const wasPaid = account.heard.some((each) => each.standing === 'active');
  if (wasPaid && now < until) return { be: 'serving', until };
  return { be: standing === 'ended' ? 'gone' : 'unpaid' };
}
