import { hear, standsAs } from '../../domain/billing/account.js';
import { gatewayOfSubscription } from '../../domain/billing/subscription.js';
import { jsonBytes } from '../../domain/cut.js';
import { Refused } from '../../domain/errors.js';
import { gatewayBirth, gatewayPlace } from '../../domain/gateway/gateway.js';
import { gatewaySpec } from '../../domain/gateway/spec.js';
import { specBytes } from '../../domain/thresholds.js';
import type { Bill, Billed } from '../../wire/billing.js';
import { isAlive, type GatewayState } from '../record/state.js';
import type { Whose } from './settle.js';

const standings: ReadonlySet<string> = new Set(['active', 'past due', 'ended']);
/** Longest name of a plan, in characters: each event that is remembered has one. */
const planLength = 60;
const longestMs = 10 * 366 * 24 * 3_600_000;

/** Holds a bill against the gateway that it is told to, or `Refused`. Changes nothing. */
export function checkBill(gateway: string, state: GatewayState, { notice, terms, order, origin }: Bill): void {
  const { id, subscription, at, standing } = notice;
  const texts = [id, origin].every((each) => typeof each === 'string' && each.length > 0 && each.length <= 255);
  const times = Number.isSafeInteger(at) && at > 0;
  if (notice.plan !== undefined && (typeof notice.plan !== 'string' || notice.plan.length > planLength))
    throw new Refused(`a plan is named by ${planLength} characters at most`);
  if (!texts || !times || !standings.has(standing)) throw new Refused('a notice has an id, a time and a standing');
  if (gatewayOfSubscription(subscription) !== gateway)
    throw new Refused(`subscription ${subscription} pays for ${gatewayOfSubscription(subscription)}, not ${gateway}`);
  const known = state.paid?.account.subscription;
  if (known !== undefined && known !== subscription)
    throw new Refused(`${gateway} is paid by subscription ${known}, not ${subscription}`);
  for (const ms of [terms.unpaidMs, terms.endedMs])
    if (!Number.isSafeInteger(ms) || ms < 0 || ms > longestMs) throw new Refused('grace is a time of up to ten years');
  if (!order) return;
  if (standing !== 'active') throw new Refused('only what is paid for is ordered');
  const bytes = jsonBytes(gatewaySpec(order.spec));
  if (bytes > specBytes) throw new Refused(`the spec of what was ordered takes ${bytes} bytes, ${specBytes} at most`);
  gatewayPlace(order.place);
  gatewayBirth(order.birth);
}

/**
 * Takes a checked bill in. What it comes to is decided by `settle`, as soon as nothing else goes on. Where nobody is
 * known, one that is older than what is remembered of the removed (`forgetAfterMs`) begins nothing.
 */
export function hearBill(whose: Whose, state: GatewayState, { notice, terms, order }: Bill, now: number): Billed {
  const { gateway, limits } = whose;
  const { paid } = state;
  if (!paid && notice.at + limits.forgetAfterMs < now) return { gateway, how: 'forgotten', standing: notice.standing };
  const { account, how } = hear(paid?.account, notice, terms);
  const { standing } = standsAs(account);
  const { again: _again, refused: _refused, ...before } = paid ?? {};
  const orderedAt = paid?.orderedAt;
  const isOrdered = order && (how === 'known' ? orderedAt === undefined : notice.at >= (orderedAt ?? 0));
  if (how === 'news' || isOrdered)
    state.paid = { ...before, account, heardAt: now, ...(isOrdered && { order, orderedAt: notice.at }) };
  const lacks = standing === 'active' && !isAlive(state) && !state.paid?.begun && !state.paid?.order;
  return { gateway, how, standing, ...(lacks && { lacks: 'plan' }) };
}
