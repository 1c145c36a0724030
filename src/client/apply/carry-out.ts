import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { planFor, type Act, type Wanted } from '../../domain/apply/plan.js';
import type { ChangeRequest } from '../../wire/change-requests.js';
import type { ProvisionRequest } from '../../wire/requests.js';
import { localPlace, proposedBirth, request } from '../gateways.js';
import {
  carryOn,
  doneOf,
  failureOf,
  followed,
  reasonOf,
  type ApplyEnd,
  type Asking,
  type Done,
  type Due,
} from './carry-on.js';
import type { Looked } from './look.js';

/**
 * Makes a gateway what its file asks for, one operation after another, each followed to its end; `looked` is what was
 * found before. What runs already is waited for. It stops at the first that does not end well, and never does the same
 * twice.
 */
export function bringTo(client: Client, wanted: Wanted, looked: Looked, asking: Asking): Promise<ApplyEnd> {
  return carryOn(client, wanted.gateway, looked, asking, async (now, done) => dueOf(wanted, now, done, asking.origin));
}

function dueOf(wanted: Wanted, now: Looked, done: readonly Done[], origin: string): Due {
  const plan = planFor(wanted, now.found);
  if ('refused' in plan) return { end: 'refused', reason: plan.refused };
  if ('skipped' in plan) return { end: 'skipped', reason: plan.skipped };
  if ('unknown' in plan) return { end: 'attention', reason: plan.unknown };
  const [next] = plan.acts;
  const did = done.filter(({ act, outcome }) => act !== 'wait' && outcome !== 'withdrawn');
  if (!next) return { end: did.length > 0 ? 'done' : 'left alone', reason: '' };
  if (next.act === 'wait') return next;
  if (!did.some(({ act }) => act === next.act)) return { act: next.act, ask: wishOf(wanted, now, next, origin) };
  const again = `${next.act} was done, and is due again: see \`creel describe ${wanted.gateway}\``;
  return { end: 'attention', reason: again };
}

/** Removes a gateway that is in no file, and follows that to its end; its state is kept as its spec says. */
export async function takeAway(client: Client, gateway: string, asking: Asking): Promise<ApplyEnd> {
  try {
    const requestId = randomUUID();
    const accepted = await request(client, gateway, { kind: 'remove', requestId, origin: asking.origin, purge: false });
    const last = await followed(client, accepted, asking);
    const operations = [doneOf('remove', accepted, last)];
    if (last.outcome === 'done') return { gateway, end: 'done', reason: '', operations };
    return { gateway, end: last.park ? 'attention' : 'failed', reason: reasonOf(last), operations };
  } catch (error) {
    const [end, reason, cause] = failureOf(error);
    return { gateway, end, reason, operations: [], error: cause };
  }
}

/** What is asked of a gateway for an act, as a new request. */
export function wishOf(
  { gateway, spec, place = localPlace }: Wanted,
  { told }: Looked,
  next: Exclude<Act, { act: 'wait' }>,
  origin: string,
): ProvisionRequest | ChangeRequest {
  const requestId = randomUUID();
  const asked = { requestId, origin };
  switch (next.act) {
    case 'provision':
    case 'repair':
      return {
        ...asked,
        kind: 'provision',
        spec: next.act === 'provision' ? spec : (told?.life?.spec ?? spec),
        place,
        birth: proposedBirth(gateway, requestId),
        how: 'new',
      };
    case 'upgrade': {
      const { release, dev } = next;
      return { ...asked, kind: 'upgrade', release, dev, devAsSaid: true, retryFailed: false };
    }
    case 'settings':
    case 'change':
      return { ...asked, kind: 'change', ...next.change };
  }
}
