import type { Change } from '../../domain/changes/change.js';
import type { Suspended } from '../../domain/changes/suspension.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import type { GatewayRecord } from '../../domain/gateway/reading.js';
import type { Invitation } from '../../domain/invitation/invitation.js';
import type { Shelf } from '../../domain/gateway/shelf.js';
import type { GatewaySpec } from '../../domain/gateway/spec.js';
import type { Phase } from '../../wire/description.js';
import type { Entered, Left } from '../../wire/operation.js';

/** The release before an upgrade, and its saved state. */
export type Former = {
  readonly shelf: Shelf;
  readonly spec: GatewaySpec;
  /** When it is let go (epoch ms). */
  readonly until: number;
  /** It lets devices in that a rotation has put out since: nobody goes back to it. */
  readonly evicted?: true;
  /** It was saved under a record that was lost: whom it lets in is not known, and nobody goes back to it. */
  readonly lost?: true;
};

/**
 * What is known of one life of a gateway: from its birth to its removal, and what that has kept. The next life is made as a whole
 * (`newLife`), so it inherits nothing, whatever fields there are.
 */
export type Life = {
  gateway: Gateway;
  /** Every step that was ever entered: what a clean-up undoes. */
  entered: readonly Entered[];
  record: GatewayRecord | undefined;
  skipped: readonly string[];
  left: readonly Left[];
  /** Epoch ms; 0 when no state of a removed gateway is kept. */
  stateKeptUntil: number;
  /** What the gateway goes back to when a change of it ends. */
  resting?: { readonly phase: Phase; readonly reason: string };
  /** The highest generations that were ever meant to be used; those on record when absent. */
  burned?: { readonly token: number; readonly device: number };
  /** The devices that creel approved. */
  approved?: readonly string[];
  /** The steps of a change whose run was lost. */
  backFrom?: readonly Entered[];
  /** A change whose way back did not come to its end: the next repair takes it first. */
  owed?: Change;
  /** It was stopped by an operator's word, and is to stay so until another. */
  suspended?: Suspended;
  /** A rotated token that nobody has fetched yet. */
  handOver?: { readonly generation: number; readonly since: number };
  /** The link by which its customer comes to it. */
  invitation?: Invitation;
  /** What a rollback goes back to. */
  former?: Former;
  /** Saved states that could not be let go: why, how often that was tried, and when (epoch ms) it is tried again. */
  dropping?: { readonly former?: string; readonly failures: number; readonly again: number; readonly reason: string };
  /** How often each release could not be proved. */
  failed?: Readonly<Record<string, number>>;
  /** Until when a lost attempt of what was done or undone may still land (epoch ms). */
  unsettledUntil?: number;
};

/**
 * A life of which nothing is known yet but the gateway. Of the life before it only this goes on, and only into the same birth: until
 * when a lost attempt may still land, because it would land under the same names.
 */
export function newLife(gateway: Gateway, before?: Life): Life {
  const isSame = before?.gateway.mark.birth === gateway.mark.birth;
  const unsettledUntil = isSame ? before?.unsettledUntil : undefined;
  return {
    gateway,
    entered: [],
    record: undefined,
    skipped: [],
    left: [],
    stateKeptUntil: 0,
    ...(unsettledUntil !== undefined && { unsettledUntil }),
  };
}
