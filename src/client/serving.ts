import { whySuspended, type Suspended } from '../domain/changes/suspension.js';
import type { Gateway } from '../domain/gateway/gateway.js';
import type { Description } from '../wire/description.js';
import { TurnedDown } from './failure.js';

/** The gateway of a record, for a look that needs it to serve. `TurnedDown` where there is none, or it is suspended. */
export function demandServing(told: Description): Gateway {
  const life = demandLiving(told);
  if (told.suspended === undefined) return life;
  throw new TurnedDown(whySuspended(told.gateway, suspendedIn(told.suspended)), 'Refused');
}

/** A suspension as a record reports it. */
export function suspendedIn({ since, reason }: NonNullable<Description['suspended']>): Suspended {
  return { since: Date.parse(since), reason };
}

/** The gateway of a record, for a look that asks it nothing. `TurnedDown` where there is none. */
export function demandLiving({ gateway, life, phase }: Description): Gateway {
  if (life && phase !== 'removed' && phase !== 'none') return life;
  throw new TurnedDown(`${gateway} does not run (${phase}). \`creel describe ${gateway}\` says why`, 'Refused');
}
