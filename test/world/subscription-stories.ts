import * as fc from 'fast-check';
import type { Standing } from '../../src/domain/billing/account.js';

/** What a billing system says on a day of a story. */
export type Told = {
  readonly id: string;
  readonly day: number;
  readonly standing: Standing;
  readonly final?: true;
};

/** An event, how many days late it arrives, and whether it arrives twice, or never. */
export type Step = { readonly event: Told; readonly after: number; readonly again?: number; readonly lost: boolean };

/** A subscription as Stripe has them: it is paid and owed by turns, and once deleted it says nothing new. */
export const stories = fc
  .record({
    turns: fc.array(
      fc.record({
        days: fc.integer({ min: 0, max: 12 }),
        standing: fc.constantFrom<Standing>('active', 'past due'),
        after: fc.integer({ min: 0, max: 3 }),
        again: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
        lost: fc.boolean(),
      }),
      { minLength: 1, maxLength: 7 },
    ),
    ends: fc.boolean(),
  })
  .map(({ turns, ends }): readonly Step[] => {
    let at = 0;
    return turns.map(({ days, standing, after, again, lost }, index) => {
      at += days;
      const last = index === turns.length - 1;
      const how = last && ends ? ({ standing: 'ended', final: true } as const) : { standing };
      const event = { id: `e${index}`, day: at, ...how };
      return { event, after, lost: lost && !last && standing !== 'active', ...(again !== undefined && { again }) };
    });
  });

/** An event on the day on which it is told. */
type Telling = { readonly on: number; readonly event: Told };

/** Each event once, when it happens. */
export function inOrder(story: readonly Step[]): readonly Telling[] {
  return story.map(({ event }) => ({ on: event.day, event }));
}

/** Each up to three days late, some twice, and of what does not pay some never: another one told of it later. */
export function asTold(story: readonly Step[]): readonly Telling[] {
  return story
    .flatMap(({ event, after, again, lost }) => {
      if (lost) return [];
      const twice = again === undefined ? [] : [{ on: event.day + again, event }];
      return [{ on: event.day + after, event }, ...twice];
    })
    .toSorted((one, other) => one.on - other.on);
}
