import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { dueOf, hear, type Account } from '../../../src/domain/billing/account.js';
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

describe('a subscription that was bought, not paid in time, and deleted', () => {
  const told = fs
    .readFileSync('test/pure/billing/stripe-events.jsonl', 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; type: string; created: number; data: { object: object } })
    .map(({ data, ...rest }) => meaningOf({ ...rest, object: { ...data.object } }));
  const notices = told.flatMap((meaning) => (meaning.is === 'notice' ? [meaning.notice] : []));
  const terms = { unpaidMs: 7 * 86_400_000, endedMs: 86_400_000 };

  function permutations<T>(all: readonly T[]): readonly (readonly T[])[] {
    if (all.length === 0) return [[]];
    return all.flatMap((one, index) =>
      permutations([...all.slice(0, index), ...all.slice(index + 1)]).map((rest) => [one, ...rest]),
    );
  }

  test('ends removed, in each of the 720 orders in which its six events can be told (K-2)', () => {
    expect(new Set(notices.map(({ subscription }) => subscription))).toEqual(new Set(['sub_A']));
    const orders = permutations(notices);
    expect(orders).toHaveLength(720);
    for (const order of orders) {
      let account: Account | undefined;
      for (const notice of order) ({ account } = hear(account, notice, terms));
      if (!account) throw new Error('nothing was told');
      expect(dueOf(account, 1_793_196_800_000 + terms.endedMs)).toEqual({ be: 'gone' });
      expect(dueOf(account, 1_793_196_799_000 + terms.endedMs)).toMatchObject({ be: 'serving' });
    }
  });

  test('and what another has not paid for yet begins nothing', () => {
    expect(told.filter(({ is }) => is === 'nothing').map((meaning) => meaning.is === 'nothing' && meaning.why)).toEqual(
      [expect.stringContaining('incomplete'), expect.stringContaining('unpaid')],
    );
  });
});
