import type { Gateway } from '../../domain/gateway/gateway.js';
import type { Deps } from '../../world/deps.js';
import { offerFor } from '../parts/machine/order.js';

/** What the machine of a gateway would be, and what it would cost; `Refused` as the gateway's first step would be. */
export async function findOffer(deps: Deps, gateway: Gateway): Promise<string> {
  const { engine: _engine, ...place } = gateway.place;
  return offerFor(deps, { ...gateway, place });
}
