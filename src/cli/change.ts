import { randomUUID } from 'node:crypto';
import { localPlace, request } from '../client/gateways.js';
import type { Flags } from '../client/connect.js';
import { gatewayId } from '../domain/gateway.js';
import type { Place } from '../domain/gateway.js';
import type { Request } from '../workflows/requests.js';
import { follow } from './follow.js';
import { origin } from './provision.js';
import { sayAccepted } from './say-accepted.js';
import { withTemporal } from './verb.js';

type ChangeFlags = Flags & { readonly json?: true; readonly requestId?: string; readonly detach?: true };

/** What every request for a change carries. */
type Envelope = { readonly requestId: string; readonly origin: string; readonly place: Place };

/** Asks a gateway for a change, says which operation it is, and follows it unless detached. */
export async function askChange(
  rawId: string,
  options: ChangeFlags,
  wish: (envelope: Envelope) => Request,
): Promise<void> {
  const id = gatewayId(rawId);
  const requestId = options.requestId ?? randomUUID();
  const asked = wish({ requestId, origin: origin(), place: localPlace });
  await withTemporal(options, async (client, target) => {
    const accepted = await request(client, id, asked);
    const shown = { json: options.json === true, target };
    sayAccepted(accepted, requestId, shown, options.detach === true);
    if (!options.detach) process.exitCode = await follow(client, accepted, shown);
  });
}
