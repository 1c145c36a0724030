import type { Change } from '../../domain/changes/change.js';
import { Bug } from '../../domain/errors.js';
import { fingerprint } from '../../domain/fingerprint.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import type { ChangeRequest } from '../../wire/change-requests.js';
import type { OperationKind } from '../../wire/operation.js';
import type { CarriedState } from './carried-state.js';
import type { Former, Life } from './life.js';
import type { Begun, Queued } from './queued.js';
import { writeLine } from './request-lines.js';
import type { End } from './state.js';

/** A request as it was carried while whole requests were. */
type WholeRequest = {
  readonly requestId: string;
  readonly content: string;
  readonly operation: number;
  readonly at: number;
  readonly end?: End;
};

/** An operation that waited or ran, with whatever an operation of any kind may have. */
type AnyOperation = {
  readonly number: number;
  readonly kind: OperationKind;
  readonly purge: boolean;
  readonly asked?: ChangeRequest;
  readonly change?: Change;
  readonly engine?: string;
  readonly gone?: true;
};

/** What belongs to a life lay beside it. */
type Beside = Readonly<Omit<Life, 'gateway' | 'former'>> & { readonly kept?: Former };

/** What continue-as-new carried in version 1: read for ever, written no more. */
export type CarriedState1 = Omit<CarriedState, 'version' | 'life' | 'queue' | 'running' | 'requests' | 'paid'> &
  Beside & {
    readonly version: 1;
    readonly life?: Gateway | undefined;
    readonly queue: readonly AnyOperation[];
    readonly running?: AnyOperation | undefined;
    /** What the first versions of creel carried; empty in later ones. */
    readonly answered: readonly WholeRequest[];
    /** Absent in what the first versions of creel carried. */
    readonly requests?: readonly string[];
  };

/** The same in version 2. Without a life there was nothing that belonged to one. */
export function fromVersion1(carried: CarriedState1): CarriedState {
  const { version: _1, life, queue, running, answered, requests = [], ...others } = carried;
  const { phase, since, reason, nextOperation, ended, newRun, alone, ...beside } = others;
  const { kept, ...same } = beside;
  return {
    version: 2,
    ...(life && { life: { gateway: life, ...same, ...(kept && { former: kept }) } }),
    phase,
    since,
    reason,
    nextOperation,
    queue: queue.map(queuedOf),
    ...(running && { running: begunOf(running) }),
    ended,
    requests: [...answered.map(lineOf), ...requests],
    newRun,
    alone,
  };
}

function queuedOf(operation: AnyOperation): Queued {
  const { number, asked } = operation;
  if (asked) return { number, kind: asked.kind, asked };
  const begun = begunOf(operation);
  return 'change' in begun && begun.kind !== 'way-back' ? unreadable(operation) : begun;
}

function begunOf(operation: AnyOperation): Begun {
  const { number, kind, purge, change, engine, gone } = operation;
  const sought = engine === undefined ? {} : { engine };
  if (kind === 'remove' || kind === 'purge') return { number, kind, purge, ...sought, ...(gone && { gone }) };
  if (kind === 'provision' || kind === 'repair' || kind === 'restore' || kind === 'take-up')
    return { number, kind, ...sought };
  return change ? { number, kind, change } : unreadable(operation);
}

function unreadable({ number, kind }: AnyOperation): never {
  throw new Bug(`operation ${number}-${kind} of a record says neither what was asked nor what it came to`);
}

function lineOf({ requestId, content, ...rest }: WholeRequest): string {
  return writeLine({ ...rest, id: fingerprint(requestId), content: fingerprint(content) });
}
