import { Stripe } from 'stripe';
import type { StripeEvent } from '../domain/billing/stripe.js';
import { Refused } from '../domain/errors.js';
import type { Secret } from '../domain/secret.js';

/** How far the clocks of Stripe and of this machine may differ, in seconds: what Stripe's own libraries allow. */
const toleranceS = 300;

/** The event in a body that Stripe has signed with one of these secrets, or `Refused`, with nothing in it of what was sent. */
export function signedEvent(body: Buffer, signature: string, secrets: readonly Secret[]): StripeEvent {
  for (const secret of secrets) {
    try {
      const { id, type, created, data } = Stripe.webhooks.constructEvent(body, signature, secret.reveal(), toleranceS);
      return { id, type, created, object: Object(data?.object) as StripeEvent['object'] };
    } catch {
      // Another secret may be the one: during a change there are two.
    }
  }
  throw new Refused('the signature is not good');
}
