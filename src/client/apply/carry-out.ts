import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { planFor, type Act, type Wanted } from '../../domain/apply/plan.js';
import type { Description } from '../../wire/description.js';
import type { OperationKind, OperationOutcome } from '../../wire/operation.js';
import { describePark } from '../../wire/park.js';
import type { ChangeRequest } from '../../wire/change-requests.js';
import type { Accepted, ProvisionRequest } from '../../wire/requests.js';
import { operationWorkflowId } from '../../wire/ids.js';
import { TurnedDown } from '../failure.js';
import { watch } from '../follow/follow.js';
import type { Frame } from '../follow/frame.js';
import { localPlace, proposedBirth, request, requestChange } from '../gateways.js';
import { lookAt, type Looked } from './look.js';

/** An operation that was carried out on the way, or waited for. */
type Done = {
  readonly act: Act['act'] | 'remove';
  readonly kind: OperationKind;
  readonly operation: number;
  readonly outcome?: OperationOutcome | 'lost';
};

/** What came of one gateway. */
export type ApplyEnd = {
  readonly gateway: string;
  /**
   * `left alone`: it is what its file asks for, and nothing was begun. `attention`: a person has to look at it, or a
   * worker is missing. `refused`: it takes no such thing now.
   */
  readonly end: 'left alone' | 'done' | 'failed' | 'refused' | 'attention';
  /** Why it did not come to what was asked for; empty when it did. */
  readonly reason: string;
  readonly operations: readonly Done[];
  /** What ended it, when it was no answer of its own. */
  readonly error?: unknown;
};

/** Who asks, and who hears how it goes. */
export type Asking = { readonly origin: string; readonly hear: (frame: Frame) => void };

/** How long a record takes to note that its operation has ended. */
const noteMs = 200;

/**
 * Makes a gateway what its file asks for, one operation after another, each followed to its end; `looked` is what was
 * found before. What runs already is waited for. It stops at the first that does not end well, and never does the same
 * twice.
 */
export async function bringTo(client: Client, wanted: Wanted, looked: Looked, asking: Asking): Promise<ApplyEnd> {
  const { gateway } = wanted;
  const operations: Done[] = [];
  const ended = (end: ApplyEnd['end'], reason = '', error?: unknown): ApplyEnd => ({
    gateway,
    end,
    reason,
    operations,
    ...(error !== undefined && { error }),
  });
  try {
    for (let now = looked; ; now = await lookAt(client, gateway, false)) {
      const plan = planFor(wanted, now.found);
      if ('refused' in plan) return ended('refused', plan.refused);
      if ('unknown' in plan) return ended('attention', plan.unknown);
      const [next] = plan.acts;
      const did = operations.filter(({ act, outcome }) => act !== 'wait' && outcome !== 'withdrawn');
      if (!next) return ended(did.length > 0 ? 'done' : 'left alone');
      if (did.some(({ act }) => act === next.act))
        return ended('attention', `${next.act} was done, and is due again: see \`creel describe ${gateway}\``);
      const accepted = await begin(client, wanted, now, next, asking.origin);
      const last = await followed(client, accepted, asking);
      if (!operations.some(({ operation }) => operation === accepted.operation))
        operations.push(doneOf(next.act, accepted, last));
      const stopped = overtaken(operations, last) ? undefined : whyStopped(next, last);
      if (stopped) return ended(...stopped);
      if (next.act === 'wait') await sleep(noteMs);
    }
  } catch (error) {
    return ended(...failureOf(error));
  }
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

type Followed = Omit<Accepted, 'state'> & { readonly state?: Accepted['state'] };

/** Asks for the operation of an act; of one that is to be waited for, says which it is. */
async function begin(client: Client, wanted: Wanted, looked: Looked, next: Act, origin: string): Promise<Followed> {
  const { gateway } = wanted;
  if (next.act === 'wait') return underWay(gateway, looked.told, next);
  const wish = wishOf(wanted, looked, next, origin);
  return wish.kind === 'provision' ? request(client, gateway, wish) : requestChange(client, gateway, wish);
}

/** What is asked of a gateway for an act, as a new request. */
export function wishOf(
  { gateway, spec }: Wanted,
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
        place: localPlace,
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

function underWay(
  gateway: string,
  told: Description | undefined,
  { operation }: Extract<Act, { act: 'wait' }>,
): Followed {
  const { running, queue = [], life } = told ?? {};
  const birth = life?.mark.birth ?? 'none';
  const kind = [running, ...queue].find((each) => each?.operation === operation)?.kind ?? 'repair';
  return { gateway, birth, operation, kind, workflowId: operationWorkflowId(gateway, birth, operation, kind) };
}

/** The last frame of an operation: its end, its park, or that no worker is there to go on with it. */
async function followed(client: Client, accepted: Followed, { hear }: Asking): Promise<Frame> {
  let last: Frame | undefined;
  for await (const frame of watch(client, accepted)) {
    last = frame;
    hear(frame);
    if (frame.park || frame.unpolled) break;
  }
  if (last) return last;
  throw new Error(`operation ${accepted.operation} of ${accepted.gateway} was never seen`);
}

function doneOf(act: Done['act'], { kind, operation }: Followed, { outcome }: Frame): Done {
  return { act, kind, operation, ...(outcome && { outcome }) };
}

/** How often an operation of one gateway may come to nothing before somebody hears of it. */
const withdrawnMost = 3;

/** Whether an operation came to nothing because another one was there first: what is due now is looked at anew. */
function overtaken(operations: readonly Done[], { outcome }: Frame): boolean {
  return outcome === 'withdrawn' && operations.filter((each) => each.outcome === outcome).length < withdrawnMost;
}

/** Why nothing more is done after an operation; undefined when the next may begin. */
function whyStopped({ act }: Act, last: Frame): [ApplyEnd['end'], string] | undefined {
  if (last.park || last.unpolled) return ['attention', reasonOf(last)];
  if (last.outcome === 'done' || act === 'wait') return undefined;
  return [last.outcome === 'degraded' ? 'attention' : 'failed', reasonOf(last)];
}

function reasonOf({ gateway, park, unpolled, queue, reason, title, outcome }: Frame): string {
  if (park) return `${title} is ${describePark(gateway, park)}`;
  if (unpolled) return `${title} waits for a worker: none polls ${queue ?? 'for it'}. It goes on when one runs`;
  return `${title} ended ${outcome ?? 'unseen'}${reason === '' ? '' : `: ${reason}`}`;
}

function failureOf(error: unknown): ['failed' | 'refused', string, unknown] {
  const said = error instanceof Error ? error.message : String(error);
  const isRefused = error instanceof TurnedDown && ['Refused', 'Foreign', 'Malformed'].includes(error.kind);
  return [isRefused ? 'refused' : 'failed', said, error];
}
