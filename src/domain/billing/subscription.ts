import { Refused } from '../errors.js';
import { fingerprint } from '../fingerprint.js';

const idForm = /^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$/;
const subscriptionLength = 255;

/**
 * The id of the gateway that a subscription pays for: its own where that is one (a billing system that names customers
 * as we do), and otherwise one made of it, the same for ever. `Refused` without a subscription.
 */
export function gatewayOfSubscription(subscription: unknown): string {
  if (typeof subscription !== 'string' || subscription === '' || subscription.length > subscriptionLength)
    throw new Refused(`subscription ${JSON.stringify(subscription)}: 1 to ${subscriptionLength} characters name one`);
  return idForm.test(subscription) ? subscription : `s-${fingerprint(subscription)}`;
}
