import { Stripe } from 'stripe';
import { meaningOf, type Meaning, type StripeEvent } from '../domain/billing/stripe.js';
import type { Secret } from '../domain/secret.js';

/** How long Stripe may take to answer (ms): the event waits for it. */
const answerMs = 5_000;

/** Reads subscriptions at Stripe: an event is a hint, and what it was about may be otherwise by now. */
export class SubscriptionNow {
  readonly #stripe: Stripe;

  /** `host` and `port` where another than Stripe's own is asked. */
  constructor(key: Secret, at: { readonly host?: string; readonly port?: number; readonly protocol?: 'http' } = {}) {
    this.#stripe = new Stripe(key.reveal(), { timeout: answerMs, maxNetworkRetries: 1, telemetry: false, ...at });
  }

  /**
   * The same event with what is true of its subscription now. A purchase that is no subscription, and one that Stripe
   * does not know, are believed as they were told.
   */
  async asOfNow(event: StripeEvent, meaning: Extract<Meaning, { is: 'notice' }>): Promise<Meaning> {
    const { subscription } = meaning.notice;
    if (!subscription.startsWith('sub_')) return meaning;
    try {
      const found = await this.#stripe.subscriptions.retrieve(subscription);
      const created = Math.max(event.created, Math.floor(Date.now() / 1000));
      const object = { ...found };
      return meaningOf({ ...event, type: 'customer.subscription.updated', created, object });
    } catch (error) {
      if (error instanceof Stripe.errors.StripeInvalidRequestError && error.statusCode === 404) return meaning;
      throw error;
    }
  }
}
