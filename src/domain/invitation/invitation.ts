/** A link by which a customer comes to the gateway that is theirs, once. What it says is known to whoever has it alone. */
export type Invitation = {
  /** SHA-256 of what the link says, in hexadecimal. */
  readonly digest: string;
  /** Until then (epoch ms) it may be used. */
  readonly until: number;
  /** The token generation at which it was made: at another one it is over. */
  readonly generation: number;
  /** When it was used (epoch ms). */
  readonly used?: number;
};

/** Why nobody is let in by an invitation any more. */
export type Over = 'used' | 'expired' | 'rotated' | 'removed';

/**
 * How whoever has a link stands. `unknown`: no gateway has such a link, or has another one since. Until `until`
 * (epoch ms) it is so; a record that is only asked does not know what time it is.
 */
export type Visit =
  | { readonly is: 'welcome'; readonly until: number }
  /** Not yet: `phase` is what it is doing. */
  | { readonly is: 'early'; readonly until: number; readonly phase: string }
  | { readonly is: 'suspended'; readonly until: number }
  | { readonly is: 'over'; readonly why: Over }
  | { readonly is: 'unknown' };

/** How they stand at this time (epoch ms). */
export function visitAt(visit: Visit, now: number): Visit {
  return 'until' in visit && now >= visit.until ? { is: 'over', why: 'expired' } : visit;
}
