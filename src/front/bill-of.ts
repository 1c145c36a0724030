import { Refused } from '../domain/errors.js';
import type { Notice } from '../domain/billing/account.js';
import { gatewayOfSubscription } from '../domain/billing/subscription.js';
import { localPlace, proposedBirth } from '../client/gateways.js';
import type { Plans } from '../settings/plans.js';
import type { Bill } from '../wire/billing.js';

/**
 * What is told to a gateway for a notice: what its plan comes to here. `Refused` where somebody has paid for what no plan
 * names: it is for a person, who has to know.
 */
export function billOf(plans: Plans, notice: Notice, price: string | undefined, origin: string): Bill {
  const plan = plans.find(price);
  if (notice.standing !== 'active') return { notice, terms: (plan ?? longest(plans)).terms, origin };
  if (!plan && price === undefined) return { notice, terms: longest(plans).terms, origin };
  if (!plan) throw new Refused(`${notice.subscription} was paid for, and no plan names ${JSON.stringify(price)}`);
  const { name, spec, host, terms } = plan;
  const gateway = gatewayOfSubscription(notice.subscription);
  const birth = proposedBirth(gateway, `billing ${notice.id}`);
  const place = host === undefined ? localPlace : { ...localPlace, host };
  return { notice: { ...notice, plan: name }, terms, order: { spec, place, birth }, origin };
}

/** Of what names no plan, the terms that leave a gateway as it is for longest. */
function longest({ all }: Plans): Pick<Bill, 'terms'> {
  const most = (of: (each: Plans['all'][number]) => number) => Math.max(0, ...all.map(of));
  return { terms: { unpaidMs: most(({ terms }) => terms.unpaidMs), endedMs: most(({ terms }) => terms.endedMs) } };
}
