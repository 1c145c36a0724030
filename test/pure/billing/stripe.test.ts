import { describe, expect, test } from 'vitest';
import { meaningOf, type StripeEvent } from '../../../src/domain/billing/stripe.js';
import { gatewayOfSubscription } from '../../../src/domain/billing/subscription.js';

const event = (type: string, object: Record<string, unknown>): StripeEvent => ({ id: 'evt', type, created: 7, object });
const items = { data: [{ price: { id: 'price_small' } }] };

describe('what an event of Stripe means (K-2)', () => {
  test.each([
    ['customer.subscription.created', { id: 'sub_A', status: 'active', items }, 'active', 'price_small'],
    ['customer.subscription.updated', { id: 'sub_A', status: 'trialing', items }, 'active', 'price_small'],
    ['customer.subscription.updated', { id: 'sub_A', status: 'past_due' }, 'past due', undefined],
    ['customer.subscription.updated', { id: 'sub_A', status: 'unpaid' }, 'past due', undefined],
    ['customer.subscription.paused', { id: 'sub_A', status: 'paused' }, 'past due', undefined],
    ['customer.subscription.updated', { id: 'sub_A', status: 'canceled' }, 'ended', undefined],
    ['customer.subscription.deleted', { id: 'sub_A', status: 'canceled' }, 'ended', undefined],
    ['checkout.session.completed', { id: 'cs', subscription: 'sub_A', payment_status: 'paid' }, 'active', undefined],
    ['invoice.paid', { subscription: 'sub_A', lines: items }, 'active', 'price_small'],
    ['invoice.payment_failed', { subscription: { id: 'sub_A' } }, 'past due', undefined],
    ['invoice.payment_failed', { parent: { subscription_details: { subscription: 'sub_A' } } }, 'past due', undefined],
  ])('%s of %j', (type, object, standing, price) => {
    const meaning = meaningOf(event(type, object));
    expect(meaning).toMatchObject({ is: 'notice', notice: { id: 'evt', subscription: 'sub_A', at: 7_000, standing } });
    expect(meaning.is === 'notice' && meaning.price).toBe(price);
  });

  test.each([
    ['customer.subscription.created', { id: 'sub_A', status: 'incomplete' }],
    ['customer.subscription.created', { id: 'sub_A', status: 'constructor' }],
    ['checkout.session.completed', { id: 'cs', mode: 'payment', payment_status: 'unpaid' }],
    ['invoice.paid', { customer: 'cus_A' }],
    ['customer.subscription.updated', { status: 'active' }],
    ['product.created', {}],
    ['toString', {}],
  ])('%s of %j is nothing', (type, object) => {
    expect(meaningOf(event(type, object))).toMatchObject({ is: 'nothing' });
  });

  test('what was bought once and for all is paid for by its purchase', () => {
    const bought = meaningOf(
      event('checkout.session.completed', { id: 'cs_B', mode: 'payment', payment_status: 'paid' }),
    );
    expect(bought).toMatchObject({ notice: { subscription: 'cs_B', standing: 'active' } });
  });

  test.each(['charge.refunded', 'charge.dispute.created'])('%s is for a person, and changes nothing', (type) => {
    const meaning = meaningOf(event(type, { customer: 'cus_A', payment_intent: 'pi_A' }));
    expect(meaning).toMatchObject({ is: 'news', text: expect.stringContaining('customer cus_A, payment pi_A') });
  });
});

test('the gateway of a subscription is the same for ever, and named as the customer where that can be', () => {
  expect(gatewayOfSubscription('c1001')).toBe('c1001');
  expect(gatewayOfSubscription('sub_1MowQVLkdIwHu7ixeRlqHVzs')).toMatch(/^s-[0-9a-z]{19}$/);
  expect(gatewayOfSubscription('sub_a')).not.toBe(gatewayOfSubscription('sub_A'));
  for (const wrong of ['', undefined, 7, 'x'.repeat(256)])
    expect(() => gatewayOfSubscription(wrong)).toThrow(/1 to 255 characters/);
});
