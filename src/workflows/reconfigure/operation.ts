import type { Change } from '../../domain/changes/change.js';
import { Refused } from '../../domain/errors.js';
import { changedSpec, sameSpec, type GatewaySpec } from '../../domain/gateway/spec.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { changeWays, type Reconfiguration } from '../../domain/changes/reconfiguration.js';
import type { ReshapeRequest } from '../../wire/change-requests.js';
import type { GatewayState } from '../record/state.js';
import { beginReplacement, checkReady } from '../replace/operation.js';

const nothing = 'it has what is asked for already';

export function checkReshape(request: ReshapeRequest, _state: GatewayState, spec: GatewaySpec): void {
  checkReady(request.readyMs);
  if (comesToNothing(spec, request)) throw new Refused(nothing);
}

/** Another spec for the same release, taken up by the container that there is. What an older creel began goes by a new one. */
export function planReshape(state: GatewayState, life: Gateway, asked: ReshapeRequest): Change | string {
  if (comesToNothing(life.spec, asked)) return nothing;
  const to = changedSpec(life.spec, asked);
  const channels = asked.channels !== undefined;
  const ways = changeWays(life.spec, to, channels);
  const limits = ways.includes('limits by the engine');
  if (ways.includes('new container') || (limits && !asked.live))
    return { kind: 'change', to, ...beginReplacement(state, life, asked.readyMs) };
  return { kind: 'reconfigure', to, channels, ...(limits && { limits }) };
}

/** Whether what begins next gives a gateway other limits. */
export function asksForLimits({ queue: [next] }: GatewayState): boolean {
  return next?.asked?.kind === 'change' && (next.asked.memoryMb !== undefined || next.asked.cpus !== undefined);
}

/** What begins next is to reach the container that there is. */
export function askLive(state: GatewayState): void {
  const [next, ...rest] = state.queue;
  if (next?.asked?.kind === 'change') state.queue = [{ ...next, asked: { ...next.asked, live: true } }, ...rest];
}

/** The spec on record is what was asked for. */
export function applyReconfiguration(state: GatewayState, life: Gateway, { to }: Reconfiguration): void {
  state.life = { ...life, spec: to };
}

/** Channels that are named are always taken up anew: a stored secret may be another one under the same name. */
function comesToNothing(spec: GatewaySpec, asked: ReshapeRequest): boolean {
  return asked.channels === undefined && sameSpec(changedSpec(spec, asked), spec);
}
