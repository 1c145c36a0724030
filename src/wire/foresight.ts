import type { Gateway } from '../domain/gateway/gateway.js';
import type { Limits } from './limits.js';

/** A stored secret, by what tells its value from every other; without a version, none is stored. */
export type StoredSecret = { readonly name: string; readonly version?: string };

/**
 * Gateways on one engine, or anywhere, as they are to be: what would speak against that? With a secret, also that
 * another value is stored where their worker looks.
 */
export type ForeseeInput = {
  readonly gateways: readonly Gateway[];
  readonly limits: Limits;
  readonly secret?: StoredSecret;
};
