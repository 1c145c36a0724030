import type { Changing } from './change.js';
import type { Gateway } from './gateway.js';
import type { GatewaySpec } from './gateway-spec.js';

/** Another spec for the same container: decided before its operation begins. */
export type Reconfiguration = {
  readonly kind: 'reconfigure';
  readonly to: GatewaySpec;
  /** Whether the gateway itself has to be told; otherwise only the record changes. */
  readonly channels: boolean;
};

/** The gateway as it is once the reconfiguration is done. */
export function reconfigured({ change, allowed: _allowed, ...before }: Changing<Reconfiguration>): Gateway {
  return { ...before, spec: change.to };
}
