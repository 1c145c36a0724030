import type { Change } from '../../domain/changes/change.js';
import type { ChangeRequest } from '../../wire/change-requests.js';

/** What begins a life, goes on with one, or goes over it once more. */
export type Upkeep = {
  readonly number: number;
  readonly kind: 'provision' | 'repair' | 'restore' | 'take-up' | 'resume';
  /** A take-up by an export. */
  readonly adopts?: true;
  /** Of a removed gateway whose state is kept until then (epoch ms). */
  readonly keptUntil?: number;
  /** On which engine it is to be looked for, by an operator's word, where the record names none. */
  readonly engine?: string;
};

/** What ends a life, or lets go of the state that a removal kept. */
export type Removal = {
  readonly number: number;
  readonly kind: 'remove' | 'purge';
  /** The state goes as well. */
  readonly purge: boolean;
  /** On which engine it is to be looked for, by an operator's word, where the record names none. */
  readonly engine?: string;
  /** What it removes stands on an engine that is gone for good: nothing is undone. */
  readonly gone?: true;
};

/** A change that waits: what it comes to is decided when it begins. */
export type AskedChange = {
  readonly number: number;
  readonly kind: ChangeRequest['kind'];
  readonly asked: ChangeRequest;
};

/** A change that has begun, with what it is to come to. */
export type BegunChange = {
  readonly number: number;
  readonly kind: ChangeRequest['kind'];
  readonly change: Change;
};

/** What takes a change back whose run was lost, or that could not take itself back. */
export type WayBack = { readonly number: number; readonly kind: 'way-back'; readonly change: Change };

/** An operation that waits. */
export type Queued = Upkeep | Removal | AskedChange | WayBack;

/** An operation that runs. */
export type Begun = Upkeep | Removal | BegunChange | WayBack;

/** Whether an operation ends a life, or lets go of what one has left. */
export function isRemoval(operation: Queued | Begun): operation is Removal {
  return operation.kind === 'remove' || operation.kind === 'purge';
}

/** Whether a take-up is of a gateway that was removed, and may find no more than its state. */
export function staysKept(operation: Queued | Begun): operation is Upkeep & { readonly keptUntil: number } {
  return 'keptUntil' in operation && operation.keptUntil !== undefined;
}

/** What an operation that runs or takes something back is to come to; undefined of any other. */
export function changeIn(operation: Queued | Begun): Change | undefined {
  return 'change' in operation ? operation.change : undefined;
}

/** What a change that waits was asked for; undefined of any other operation. */
export function askedIn(operation: Queued): ChangeRequest | undefined {
  return 'asked' in operation ? operation.asked : undefined;
}

/** The same operation, which is to look for its gateway on this engine. Whatever changes a gateway knows where it stands. */
export function lookingOn(operation: Queued, engine: string): Queued {
  return 'asked' in operation || 'change' in operation ? operation : { ...operation, engine };
}
