import type { Changing } from '../gateway/changing.js';
import type { Gateway } from '../gateway/gateway.js';
import { canonical, type GatewaySpec } from '../gateway/spec.js';

/** Another spec for the same container: decided before its operation begins. */
export type Reconfiguration = {
  readonly kind: 'reconfigure';
  readonly to: GatewaySpec;
  /** Whether the gateway itself is told; otherwise only the record changes. */
  readonly channels: boolean;
  /** Whether the engine gives the running container other limits. */
  readonly limits?: true;
  /** The number by which the keys of the former models are kept until the next ones are proved; absent where they stay. */
  readonly models?: number;
  /** Whether its config says other things than before. */
  readonly config?: true;
  /**
   * The number of its operation: tells its rehearsal from any other, and the tokens of the former channels that it
   * keeps. Absent in what older versions began.
   */
  readonly number?: number;
};

/** What the rehearsal of a reconfiguration is known by: one that another left behind is not continued. */
export function rehearsalName({ number }: Reconfiguration, what: 'channels' | 'config'): string {
  return number === undefined ? what : `${what}-${number}`;
}

/**
 * How a change of a spec reaches a running gateway: through its engine, through its own config, only on record, or by a
 * new container.
 */
export type ChangeWay =
  | 'new container'
  | 'limits by the engine'
  | 'channels by the gateway'
  | 'models by the gateway'
  | 'config by the gateway'
  | 'record only';

/** What is given anew when it is named, also where the spec says the same: a stored secret may be another one. */
export type Named = { readonly channels?: unknown; readonly models?: unknown; readonly renew?: true };

/**
 * What each part of a change needs. Another release and another environment need a new container; memory and processors are given by the
 * engine while the gateway serves, and channels and models are reloaded by the gateway.
 */
export function changeWays(
  from: GatewaySpec,
  to: GatewaySpec,
  { channels, models, renew }: Named,
): readonly ChangeWay[] {
  if (renew || from.release !== to.release || from.dev !== to.dev) return ['new container'];
  const found = canonical([from.timezone, from.environment]);
  if (found !== canonical([to.timezone, to.environment])) return ['new container'];
  const ways: ChangeWay[] = [];
  if (from.memoryMb !== to.memoryMb || from.cpus !== to.cpus) ways.push('limits by the engine');
  if (channels !== undefined) ways.push('channels by the gateway');
  if (models !== undefined) ways.push('models by the gateway');
  if (canonical(from.config) !== canonical(to.config)) ways.push('config by the gateway');
  return ways.length > 0 ? ways : ['record only'];
}

/** The gateway as it is after the reconfiguration. */
export function reconfigured({ change, allowed: _allowed, ...before }: Changing<Reconfiguration>): Gateway {
  return { ...before, spec: change.to };
}
