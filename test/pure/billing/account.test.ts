import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  dueOf,
  hear,
  standsAs,
  type Account,
  type Notice,
  type Standing,
} from '../../../src/domain/billing/account.js';
import { noticesLength } from '../../../src/domain/thresholds.js';

const terms = { unpaidMs: 7_000, endedMs: 1_000 };

function heardAll(notices: readonly Notice[]): Account | undefined {
  let account: Account | undefined;
  for (const notice of notices) ({ account } = hear(account, notice, terms));
  return account;
}

const notice = (id: string, at: number, standing: Standing, extra: Partial<Notice> = {}): Notice => ({
  id,
  subscription: 'sub_A',
  at,
  standing,
  ...extra,
});

const stories = fc
  .array(
    fc.record({
      at: fc.integer({ min: 1, max: 40 }).map((second) => second * 1000),
      standing: fc.constantFrom<Standing>('active', 'past due', 'ended'),
      plan: fc.option(fc.constantFrom('small', 'large'), { nil: undefined }),
      final: fc.boolean(),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((story) =>
    story.map(({ at, standing, plan, final }, index) =>
      notice(`evt_${index}`, at, standing, {
        ...(plan !== undefined && { plan }),
        ...(final && standing === 'ended' && { final: true as const }),
      }),
    ),
  );

describe('what was heard of a subscription', () => {
  test('comes to the same in every order, with every event told as often as one likes (K-2)', () => {
    fc.assert(
      fc.property(stories, fc.infiniteStream(fc.nat()), (story, turns) => {
        const told = [...story, ...story, ...story.slice(0, 3)]
          .map((each) => ({ each, turn: turns.next().value ?? 0 }))
          .toSorted((one, other) => one.turn - other.turn)
          .map(({ each }) => each);
        expect(heardAll(told)).toEqual(heardAll(story));
      }),
      { numRuns: 1_000 },
    );
  });

  test('is what was so last, and grace runs from when it began to be so', () => {
    const account = heardAll([
      notice('a', 1_000, 'active'),
      notice('b', 5_000, 'past due'),
      notice('c', 9_000, 'past due'),
    ]);
    expect(account && standsAs(account)).toEqual({ standing: 'past due', since: 5_000 });
    expect(account && dueOf(account, 11_999)).toEqual({ be: 'serving', until: 12_000 });
    expect(account && dueOf(account, 12_000)).toEqual({ be: 'unpaid' });
  });

  test('in one second: what pays comes after what does not, and what ends it after both', () => {
    for (const order of [
      ['past due', 'active', 'ended'],
      ['ended', 'active', 'past due'],
    ] as const) {
      const two = heardAll(order.filter((each) => each !== 'ended').map((each) => notice(each, 1_000, each)));
      expect(two && standsAs(two).standing).toBe('active');
      const three = heardAll(order.map((each) => notice(each, 1_000, each)));
      expect(three && standsAs(three).standing).toBe('ended');
    }
  });

  test('of one that was deleted: nothing that comes later begins it again', () => {
    const ended = [notice('a', 1_000, 'active'), notice('b', 2_000, 'ended', { final: true })];
    const account = heardAll([...ended, notice('late invoice', 9_000, 'active')]);
    expect(account && dueOf(account, 2_999)).toEqual({ be: 'serving', until: 3_000 });
    expect(account && dueOf(account, 10_000)).toEqual({ be: 'gone' });
    const bought = heardAll([notice('a', 1_000, 'ended'), notice('b', 2_000, 'active')]);
    expect(bought && dueOf(bought, 10_000)).toEqual({ be: 'serving' });
  });

  test('is bounded: what is older than all of it is late, and changes nothing but what ends it for good', () => {
    const many = Array.from({ length: noticesLength }, (_, index) => notice(`evt_${index}`, 10_000 + index, 'active'));
    const account = heardAll(many);
    const late = hear(account, notice('old', 1, 'ended'), { unpaidMs: 1, endedMs: 1 });
    expect(late).toEqual({ how: 'late', account });
    const over = hear(account, notice('over', 1, 'ended', { final: true }), terms);
    expect(over.account.heard).toHaveLength(noticesLength);
    const more = hear(over.account, notice('more', 30_000, 'active'), terms);
    expect(standsAs(more.account)).toMatchObject({ standing: 'ended', since: 1 });
    const next = hear(account, notice('new', 20_000, 'past due'), terms);
    expect(next.account.heard).toHaveLength(noticesLength);
    expect(standsAs(next.account)).toEqual({ standing: 'past due', since: 20_000 });
  });
});
