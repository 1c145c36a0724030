import type { Shelf } from '../gateway/shelf.js';
import type { RegionAt } from '../hosts/region.js';

/** What the record of a gateway says of whatever carries the gateway's mark, asked by its exact id. */
export type Owner =
  /** There is no record. That proves nothing: the namespace may be empty, or restored from a backup. */
  | { readonly is: 'unknown' }
  /** It was ended from outside: terminated, failed. That proves nothing either. */
  | { readonly is: 'ended'; readonly how: string }
  | Living
  | Removed;

/** The record holds a life. */
export type Living = {
  readonly is: 'living';
  readonly birth: string;
  /** The engine on which it stands; absent until its first operation has found it. */
  readonly engine?: string;
  /** The machine of its own on which it stands; absent on any other host. */
  readonly at?: RegionAt;
  /** An operation runs or waits: what such a one uses is in use. */
  readonly busy: boolean;
  /** It is `ready`, has been proved, and nothing was left behind: no way back can be owed. */
  readonly settled: boolean;
  /** The newest replacement that has ended; 0 before the first. */
  readonly replacement: number;
  /** The releases that it is on, and goes back to; absent where an older version says. */
  readonly releases?: readonly string[];
  /** Where the state lies that a rollback would take. */
  readonly former?: Shelf;
};

/** The removal of this life began, and is on record. */
export type Removed = {
  readonly is: 'removed';
  readonly birth: string;
  readonly engine?: string;
  /** The machine of its own on which it stood; absent on any other host. */
  readonly at?: RegionAt;
  /** An operation runs or waits: the removal itself, the end of a kept state, another life. */
  readonly busy: boolean;
  /** A step could not be undone: the record names what is left, and how it goes. */
  readonly left: boolean;
  /** The release that its kept state is of. */
  readonly releases?: readonly string[];
  /** Until when its state is kept. */
  readonly keptUntil?: string;
  /** The record says that no state of it is kept, by somebody's wish and not because it had vanished or was given up. */
  readonly stateGoes: boolean;
};
