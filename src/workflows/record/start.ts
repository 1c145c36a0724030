import type { GatewayStart } from '../../wire/requests.js';
import type { CarriedState1 } from './carried-state-1.js';
import type { CarriedState } from './carried-state.js';

/** What an entity is started with: by the first request, or with its own record when it continues as new. */
export type CarriedStart = GatewayStart & { readonly state?: CarriedState | CarriedState1 };
