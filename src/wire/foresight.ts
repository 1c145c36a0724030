import type { Gateway } from '../domain/gateway/gateway.js';
import type { Limits } from './limits.js';

/** A stored secret, by what tells its value from every other; without a version, none is stored. */
export type StoredSecret = { readonly name: string; readonly version?: string };

/** What a look is about besides catalogue and stored secrets. */
export type ForeseeAlso = {
  /** That another value of it is stored where their worker looks. */
  readonly secret?: StoredSecret;
  /** The ids of those that are to get a new container: what their states take counts. */
  readonly replaced?: readonly string[];
  /** The ids of those that are to begin: how many gateways there may be counts. */
  readonly begins?: readonly string[];
};

/** Gateways on one engine, or anywhere, as they are to be: what would speak against that? */
export type ForeseeInput = ForeseeAlso & {
  readonly gateways: readonly Gateway[];
  readonly limits: Limits;
};
