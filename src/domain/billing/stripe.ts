import type { Notice, Standing } from './account.js';

/** What an event of Stripe means for a gateway. */
export type Meaning =
  | {
      readonly is: 'notice';
      readonly notice: Notice;
      readonly price?: string;
      /** What is paid for is told by another event of the same subscription. */
      readonly priceFollows?: true;
    }
  /** Nobody's gateway changes by it. */
  | { readonly is: 'nothing'; readonly why: string }
  /** Nothing changes by it either, and a person has to know. */
  | { readonly is: 'news'; readonly title: string; readonly text: string };

/** An event as Stripe sends it, as far as it was looked at: whatever is inside may be missing, or be something else. */
export type StripeEvent = {
  readonly id: string;
  readonly type: string;
  /** Epoch seconds. */
  readonly created: number;
  readonly object: Readonly<Record<string, unknown>>;
};

/** K-2: what an event of Stripe means. One table; what is not in it means nothing. */
export function meaningOf(event: StripeEvent): Meaning {
  const read = Object.hasOwn(table, event.type) ? table[event.type] : undefined;
  return read ? read(event) : { is: 'nothing', why: `events of type ${event.type} change no gateway` };
}

const table: Readonly<Record<string, (event: StripeEvent) => Meaning>> = {
  'checkout.session.completed': bySession,
  'checkout.session.async_payment_succeeded': bySession,
  'customer.subscription.created': bySubscription,
  'customer.subscription.updated': bySubscription,
  'customer.subscription.paused': bySubscription,
  'customer.subscription.resumed': bySubscription,
  'customer.subscription.deleted': (event) => ofSubscription(event, event.object['id'], 'ended', { final: true }),
  'invoice.paid': (event) => byInvoice(event, 'active'),
  'invoice.payment_succeeded': (event) => byInvoice(event, 'active'),
  'invoice.payment_failed': (event) => byInvoice(event, 'past due'),
  'charge.refunded': (event) => moneyBack(event, 'A payment was refunded'),
  'charge.dispute.created': (event) => moneyBack(event, 'A payment is disputed'),
  'charge.dispute.funds_withdrawn': (event) => moneyBack(event, 'A disputed payment was taken back'),
};

/** How Stripe's words for a subscription are read: https://docs.stripe.com/api/subscriptions/object#subscription_object-status */
const standings: Readonly<Record<string, Standing | undefined>> = {
  trialing: 'active',
  active: 'active',
  past_due: 'past due',
  unpaid: 'past due',
  paused: 'past due',
  canceled: 'ended',
  incomplete_expired: 'ended',
};

function bySubscription(event: StripeEvent): Meaning {
  const { id, status } = event.object;
  const standing = typeof status === 'string' && Object.hasOwn(standings, status) ? standings[status] : undefined;
  if (!standing) return { is: 'nothing', why: `a subscription that is ${String(status)} was not paid for yet` };
  return ofSubscription(event, id, standing, {
    ...priceIn(event.object['items']),
    ...(standing === 'ended' && { final: true as const }),
  });
}

/** A purchase: of a subscription, or once and for all. */
function bySession(event: StripeEvent): Meaning {
  const { id, payment_status: paid, subscription, metadata } = event.object;
  if (paid !== 'paid' && paid !== 'no_payment_required')
    return { is: 'nothing', why: `a purchase that is ${String(paid)} was not paid for yet` };
  const price = isRecord(metadata) ? metadata['price'] : undefined;
  const meaning = ofSubscription(event, idOf(subscription) ?? id, 'active', typeof price === 'string' ? { price } : {});
  return meaning.is === 'notice' && idOf(subscription) !== undefined ? { ...meaning, priceFollows: true } : meaning;
}

/** An invoice names its subscription in a place that Stripe has moved (API 2025-03-31). */
function byInvoice(event: StripeEvent, standing: Standing): Meaning {
  const { subscription, parent, lines } = event.object;
  const details = isRecord(parent) ? parent['subscription_details'] : undefined;
  const id = idOf(subscription) ?? (isRecord(details) ? idOf(details['subscription']) : undefined);
  if (id === undefined) return { is: 'nothing', why: 'an invoice without a subscription pays for no gateway' };
  return ofSubscription(event, id, standing, standing === 'active' ? priceIn(lines) : {});
}

function ofSubscription(
  { id, created }: StripeEvent,
  subscription: unknown,
  standing: Standing,
  { price, final }: { readonly price?: string; readonly final?: true } = {},
): Meaning {
  const named = idOf(subscription);
  if (named === undefined) return { is: 'nothing', why: 'it names no subscription' };
  const notice = { id, subscription: named, at: created * 1000, standing, ...(final && { final }) };
  return { is: 'notice', notice, ...(price !== undefined && { price }) };
}

function moneyBack({ id, object }: StripeEvent, title: string): Meaning {
  const { customer, invoice, payment_intent: payment } = object;
  const named = { customer, invoice, payment };
  const which = Object.entries(named).flatMap(([name, value]) => {
    const said = idOf(value);
    return said === undefined ? [] : [`${name} ${said}`];
  });
  const whose = which.length === 0 ? 'nothing names whose' : which.join(', ');
  return {
    is: 'news',
    title,
    text: `Stripe's event ${id} (${whose}). The gateway stays as it is: \`creel suspend\` or \`creel remove\` ends it; see docs/runbook.md#money-went-back`,
  };
}

/** The first price in a list of items or lines; Stripe has moved that as well. */
function priceIn(list: unknown): { readonly price?: string } {
  const [first] = isRecord(list) && Array.isArray(list['data']) ? (list['data'] as unknown[]) : [];
  if (!isRecord(first)) return {};
  const { price, pricing } = first;
  const details = isRecord(pricing) ? pricing['price_details'] : undefined;
  const id = idOf(price) ?? (isRecord(details) ? idOf(details['price']) : undefined);
  return id === undefined ? {} : { price: id };
}

/** An id, alone or in the object that it was expanded to. */
function idOf(value: unknown): string | undefined {
  const id = isRecord(value) ? value['id'] : value;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
