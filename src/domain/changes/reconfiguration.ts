import type { Changing } from '../gateway/changing.js';
import type { Gateway } from '../gateway/gateway.js';
import type { GatewaySpec } from '../gateway/spec.js';

/** Another spec for the same container: decided before its operation begins. */
export type Reconfiguration = {
  readonly kind: 'reconfigure';
  readonly to: GatewaySpec;
  /** Whether the gateway itself has to be told; otherwise only the record changes. */
  readonly channels: boolean;
  /** Whether the engine gives the container that runs other limits. */
  readonly limits?: true;
};

/** How a change of a spec reaches a gateway that runs: at once by its engine, over its own config, only on record, or by another container. */
export type ChangeWay = 'new container' | 'limits by the engine' | 'channels by the gateway' | 'record only';

/**
 * Which parts of a change need what. Only another release needs a new container; memory and processors are the engine's to
 * give while a gateway serves, and channels the gateway's own to take up.
 */
export function changeWays(from: GatewaySpec, to: GatewaySpec, channelsNamed: boolean): readonly ChangeWay[] {
  if (from.release !== to.release || from.dev !== to.dev) return ['new container'];
  const ways: ChangeWay[] = [];
  if (from.memoryMb !== to.memoryMb || from.cpus !== to.cpus) ways.push('limits by the engine');
  if (channelsNamed) ways.push('channels by the gateway');
  return ways.length > 0 ? ways : ['record only'];
}

/** The gateway as it is once the reconfiguration is done. */
export function reconfigured({ change, allowed: _allowed, ...before }: Changing<Reconfiguration>): Gateway {
  return { ...before, spec: change.to };
}
