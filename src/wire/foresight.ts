import type { Gateway } from '../domain/gateway/gateway.js';
import type { Limits } from './limits.js';

/** Gateways on one engine, or anywhere, as they are to be: what would speak against that? */
export type ForeseeInput = { readonly gateways: readonly Gateway[]; readonly limits: Limits };
