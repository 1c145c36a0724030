import type { Shelf } from '../gateway/shelf.js';
import type { Channel } from '../channels/channel.js';
import { names, type Gateway, type Mark } from '../gateway/gateway.js';
import type { GatewaySpec } from '../gateway/spec.js';
import type { Changing } from '../gateway/changing.js';

/** A replacement of a gateway's container by one of another spec, decided before its operation begins. */
export type Replacement = (
  | { readonly kind: 'upgrade' } // another release
  | { readonly kind: 'rollback' } // the former release, and its saved state
  | { readonly kind: 'change' } // the same release in another shape
) & {
  /** Grows with every replacement of a life: tells its container and its saved state from any other. */
  readonly number: number;
  readonly to: GatewaySpec;
  /** Where the previous state is saved. */
  readonly save: Shelf;
  /** The saved state that goes with `to`; absent when the current state does. */
  readonly take?: Shelf;
  /**
   * The channels of the spec that goes with that state: creel wrote them there. Absent in what older versions began.
   */
  readonly takenChannels?: readonly Channel[];
  /** How long the new container may take to get ready. */
  readonly readyMs: number;
};

/** A saved state that no record mentions: where it lies, and its release. */
export type FoundState = { readonly shelf: Shelf; readonly release: string };

/** Drops saved states, and with the last one the image of its release. */
export type SavedStateDrop = {
  readonly kind: 'drop-snapshot';
  /** The saved state that stays. */
  readonly keep?: Shelf;
  /**
   * Only what replacements of lower numbers saved: a late attempt may meet what later ones save. Absent in what older
   * versions began.
   */
  readonly below?: number;
  /** The release that nobody goes back to any more. */
  readonly former?: string;
  /** How often it has failed; absent the first time. */
  readonly failures?: number;
};

/** The gateway as it is after the replacement. */
export function replaced(gateway: Changing<Replacement>): Gateway {
  const { change, underway: _underway, ...before } = gateway;
  return { ...before, spec: change.to, replacement: change.number };
}

/** The gateway as it was before the replacement began. */
export function former(gateway: Changing<Replacement>): Gateway {
  const { change: _change, underway: _underway, ...before } = gateway;
  return before;
}

export type ReplacementNames = {
  /** The previous container, renamed while the new one is proved. */
  readonly former: string;
  /** The container that copies between state and saved state. */
  readonly copier: string;
  /** The container that tries the new release on a copy of the state; `trial` is that copy. */
  readonly rehearsal: string;
  readonly trial: string;
  readonly savedStates: Readonly<Record<Shelf, string>>;
};

/** Every engine name that replacements of one life use, derived like those of the life itself (layout 1). */
export function replacementNames(mark: Pick<Mark, 'gateway' | 'birth'>): ReplacementNames {
  const base = names(mark).container;
  return {
    former: `${base}-old`,
    copier: `${base}-copy`,
    rehearsal: `${base}-try`,
    trial: `${base}-trial`,
    savedStates: { a: `${base}-snap-a`, b: `${base}-snap-b` },
  };
}

/** On a new container and on a saved state: the replacement that made it. */
export const replacementLabel = 'creel.replacement';
