import type { Change } from '../domain/change.js';
import { Refused } from '../domain/errors.js';
import { changedSpec, sameSpec, type GatewaySpec } from '../domain/gateway-spec.js';
import type { Gateway } from '../domain/gateway.js';
import type { Reconfiguration } from '../domain/reconfiguration.js';
import type { ReshapeRequest } from './change-requests.js';
import type { GatewayState } from './gateway-state.js';
import { beginReplacement, checkReady } from './replacement-state.js';

const nothing = 'it has what is asked for already';

export function checkReshape(request: ReshapeRequest, _state: GatewayState, spec: GatewaySpec): void {
  checkReady(request.readyMs);
  if (comesToNothing(spec, request)) throw new Refused(nothing);
}

/** Another spec for the same release: a new container where its shape differs, else the one that there is takes it up. */
export function planReshape(state: GatewayState, life: Gateway, asked: ReshapeRequest): Change | string {
  if (comesToNothing(life.spec, asked)) return nothing;
  const to = changedSpec(life.spec, asked);
  if (to.memoryMb === life.spec.memoryMb && to.cpus === life.spec.cpus)
    return { kind: 'reconfigure', to, channels: asked.channels !== undefined };
  return { kind: 'change', to, ...beginReplacement(state, life, asked.readyMs) };
}

/** The spec on record is what was asked for. */
export function applyReconfiguration(state: GatewayState, life: Gateway, { to }: Reconfiguration): void {
  state.life = { ...life, spec: to };
}

/** Channels that are named are always taken up anew: a stored secret may be another one under the same name. */
function comesToNothing(spec: GatewaySpec, asked: ReshapeRequest): boolean {
  return asked.channels === undefined && sameSpec(changedSpec(spec, asked), spec);
}
