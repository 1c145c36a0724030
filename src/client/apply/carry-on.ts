import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Act } from '../../domain/apply/plan.js';
import type { ChangeRequest } from '../../wire/change-requests.js';
import type { Description } from '../../wire/description.js';
import { operationWorkflowId } from '../../wire/ids.js';
import type { OperationKind, OperationOutcome } from '../../wire/operation.js';
import { describePark } from '../../wire/park.js';
import type { Accepted, Request } from '../../wire/requests.js';
import { TurnedDown } from '../failure.js';
import { framesOf } from '../follow/follow.js';
import type { Frame } from '../follow/frame.js';
import { request, requestChange } from '../gateways.js';
import { lookAt, type Looked } from './look.js';

/** An operation that was carried out on the way, or waited for. */
export type Done = {
  readonly act: Act['act'] | 'remove';
  readonly kind: OperationKind;
  readonly operation: number;
  readonly outcome?: OperationOutcome | 'lost';
};

/** What came of one gateway. */
export type ApplyEnd = {
  readonly gateway: string;
  /**
   * `left alone`: it is what is asked for, and nothing was begun. `attention`: a person has to look at it, or a worker
   * is missing. `refused`: it takes no such thing now. `skipped`: it is not to serve now.
   */
  readonly end: 'left alone' | 'skipped' | 'done' | 'failed' | 'refused' | 'attention';
  /** Why it did not come to what was asked for; empty when it did. */
  readonly reason: string;
  readonly operations: readonly Done[];
  /** What ended it, when it was no answer of its own. */
  readonly error?: unknown;
};

/** Who asks, and who hears how it goes. */
export type Asking = { readonly origin: string; readonly hear: (frame: Frame) => void };

type Waiting = Extract<Act, { act: 'wait' }>;

/** What is due of a gateway now: to wait for what is under way, to ask for something, or nothing more. */
export type Due =
  | Waiting
  | { readonly act: Exclude<Act['act'], 'wait'>; readonly ask: Request }
  | { readonly end: ApplyEnd['end']; readonly reason: string };

/** How long a record takes to note that its operation has ended. */
const noteMs = 200;

/**
 * Does what is due of a gateway, one operation after another, each followed to its end; `looked` is what was found
 * before. It stops at the first that does not end well. One that came to nothing because another was there first is
 * looked at anew.
 */
export async function carryOn(
  client: Client,
  gateway: string,
  looked: Looked,
  asking: Asking,
  dueNow: (now: Looked, done: readonly Done[]) => Promise<Due>,
): Promise<ApplyEnd> {
  const operations: Done[] = [];
  const ended = (end: ApplyEnd['end'], reason = '', error?: unknown): ApplyEnd => ({
    gateway,
    end,
    reason,
    operations,
    ...(error !== undefined && { error }),
  });
  try {
    for (let now = looked; ;) {
      const due = await dueNow(now, operations);
      if ('end' in due) return ended(due.end, due.reason);
      const accepted =
        'ask' in due ? await askAsFound(client, gateway, due.ask, now) : underWay(gateway, now.told, due);
      if ('found' in accepted) {
        now = accepted;
        continue;
      }
      const last = await followed(client, accepted, asking);
      if (!operations.some(({ operation }) => operation === accepted.operation))
        operations.push(doneOf(due.act, accepted, last));
      const stopped = overtaken(operations, last) ? undefined : whyStopped(due, last);
      if (stopped) return ended(...stopped);
      if (due.act === 'wait') await sleep(noteMs);
      now = await lookAt(client, gateway, false);
    }
  } catch (error) {
    return ended(...failureOf(error));
  }
}

type Followed = Omit<Accepted, 'state'> & { readonly state?: Accepted['state'] };

/**
 * Asks a gateway for what is due of it as it was found. Where it refuses and is another by now, because somebody else
 * was there first, answers how it is now.
 */
async function askAsFound(client: Client, gateway: string, wish: Request, found: Looked): Promise<Followed | Looked> {
  try {
    return await ask(client, gateway, wish);
  } catch (error) {
    if (failureOf(error)[0] !== 'refused') throw error;
    const now = await lookAt(client, gateway, false);
    if (JSON.stringify(now.told) === JSON.stringify(found.told)) throw error;
    return now;
  }
}

function ask(client: Client, gateway: string, wish: Request): Promise<Followed> {
  return isChange(wish) ? requestChange(client, gateway, wish) : request(client, gateway, wish);
}

function isChange(wish: Request): wish is ChangeRequest {
  return wish.kind !== 'provision' && wish.kind !== 'remove';
}

function underWay(gateway: string, told: Description | undefined, { operation }: Waiting): Followed {
  const { running, queue = [], life } = told ?? {};
  const birth = life?.mark.birth ?? 'none';
  const kind = [running, ...queue].find((each) => each?.operation === operation)?.kind ?? 'repair';
  return { gateway, birth, operation, kind, workflowId: operationWorkflowId(gateway, birth, operation, kind) };
}

/** The last frame of an operation: its end, its park, or that no worker is there to go on with it. */
export async function followed(client: Client, accepted: Followed, { hear }: Asking): Promise<Frame> {
  let last: Frame | undefined;
  for await (const frame of framesOf(client, accepted)) {
    last = frame;
    hear(frame);
    if (frame.park || frame.unpolled) break;
  }
  if (last) return last;
  throw new Error(`operation ${accepted.operation} of ${accepted.gateway} was never seen`);
}

export function doneOf(act: Done['act'], { kind, operation }: Followed, { outcome }: Frame): Done {
  return { act, kind, operation, ...(outcome && { outcome }) };
}

/** How often an operation of one gateway may come to nothing before somebody hears of it. */
const withdrawnMost = 3;

/** Whether an operation came to nothing because another one was there first: what is due now is looked at anew. */
function overtaken(operations: readonly Done[], { outcome }: Frame): boolean {
  return outcome === 'withdrawn' && operations.filter((each) => each.outcome === outcome).length < withdrawnMost;
}

/** Why nothing more is done after an operation; undefined when the next may begin. */
function whyStopped({ act }: Pick<Act, 'act'>, last: Frame): [ApplyEnd['end'], string] | undefined {
  if (last.park || last.unpolled) return ['attention', reasonOf(last)];
  if (last.outcome === 'done' || act === 'wait') return undefined;
  return [last.outcome === 'degraded' ? 'attention' : 'failed', reasonOf(last)];
}

/** Why an operation did not end well, as people read it. */
export function reasonOf({ gateway, park, unpolled, queue, reason, title, outcome }: Frame): string {
  if (park) return `${title} is ${describePark(gateway, park)}`;
  if (unpolled) return `${title} waits for a worker: none polls ${queue ?? 'for it'}. It goes on when one runs`;
  return `${title} ended ${outcome ?? 'unseen'}${reason === '' ? '' : `: ${reason}`}`;
}

/** The end that an error makes of a gateway. */
export function failureOf(error: unknown): ['failed' | 'refused', string, unknown] {
  const said = error instanceof Error ? error.message : String(error);
  const isRefused = error instanceof TurnedDown && ['Refused', 'Foreign', 'Malformed'].includes(error.kind);
  return [isRefused ? 'refused' : 'failed', said, error];
}
