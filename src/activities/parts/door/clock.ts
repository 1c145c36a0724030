import type { Pairing } from '../../../domain/changes/pairing.js';
import type { Session } from '../../../ports/gateway-door.js';
import type { Deps } from '../../../world/deps.js';

/**
 * A pairing with its beginning on the gateway's own clock, which stamps approvals and log lines. The record's beginning
 * is on Temporal's, and the two may differ by any amount. A gateway that does not tell its time is taken to have ours.
 */
export async function onGatewayClock(deps: Deps, session: Session, pairing: Pairing): Promise<Pairing> {
  const temporalNow = await deps.temporalNow();
  const gatewayNow = Date.now() + (session.hello.aheadMs ?? 0);
  return { ...pairing, since: pairing.since + gatewayNow - temporalNow };
}
