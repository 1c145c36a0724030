import type { GatewayStart } from '../../wire/requests.js';
import type { CarriedState } from './carried-state.js';

/** What an entity is started with: by whoever asks first, or by itself with its record, when it continues as new. */
export type CarriedStart = GatewayStart & { readonly state?: CarriedState };
