import { fromVersion1, type CarriedState1 } from './carried-state-1.js';
import type { CarriedState } from './carried-state.js';
import { readLine } from './request-lines.js';
import type { GatewayState } from './state.js';

/** The state that was carried, by this version or an older one. */
export function readState(carried: CarriedState | CarriedState1): GatewayState {
  const {
    version: _2,
    life,
    queue,
    running,
    requests,
    ...state
  } = carried.version === 1 ? fromVersion1(carried) : carried;
  return { ...state, life: life && { ...life }, queue: [...queue], running, answered: requests.map(readLine) };
}
