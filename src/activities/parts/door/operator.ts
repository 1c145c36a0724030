import { Bug, NotYet, Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { Secret } from '../../../domain/secret.js';
import { RpcError, type Knock, type Session } from '../../../ports/gateway-door.js';
import { containerOf } from '../container/container.js';
import type { Deps } from '../../../world/deps.js';
import { networkOf } from '../network.js';
import { approveRequest } from './control.js';
import { insideWith } from './inside.js';

const scopes = ['operator.admin'];

/**
 * creel's own device is paired, with device auth left on (S0-11): it has connected from outside, and has
 * `operator.admin`.
 */
export async function ensureOperator(deps: Deps, gateway: Gateway): Promise<void> {
  const knock = await knockAsOperator(deps, gateway);
  if (knock.kind === 'open') knock.session.close();
  if (knock.kind === 'pairing required') await approve(deps, gateway, knock.requestId);
  (await openSession(deps, gateway)).close();
}

/**
 * A session of creel's device through the published port: what a client sees. Anything but an open door is an error
 * that says why.
 */
export async function openSession(deps: Deps, gateway: Gateway): Promise<Session> {
  const knock = await knockAsOperator(deps, gateway);
  if (knock.kind !== 'open') throw turnedAway(gateway, knock);
  if (scopes.every((scope) => knock.session.hello.scopes.includes(scope))) return knock.session;
  knock.session.close();
  throw new Refused(
    `gateway ${gateway.mark.gateway} lets creel's device in without operator.admin. See docs/runbook.md#no-scopes`,
  );
}

/** What it means that creel's device knocked and was not let in. */
export function turnedAway(gateway: Gateway, knock: Exclude<Knock, { kind: 'open' }>): NotYet | Refused {
  const id = gateway.mark.gateway;
  switch (knock.kind) {
    case 'pairing required':
      return new Refused(
        `gateway ${id} does not know creel's device (${knock.reason}). \`creel provision ${id}\` pairs it again`,
      );
    case 'wrong token':
      return new Refused(
        `gateway ${id} refuses the token of generation ${gateway.tokenGeneration}. See docs/runbook.md#token-mismatch`,
      );
    case 'locked out':
      return new NotYet(
        `gateway ${id} has locked outside clients out after wrong tokens; it lets them in again after a minute`,
      );
    case 'turned away':
      return new Refused(`gateway ${id} turned creel's device away: ${knock.code} ${knock.reason}`);
  }
}

/**
 * Knocks as creel's device of the record, with the gateway token of the record or with another one: the device's own,
 * or the one in force now.
 */
export async function knockAsOperator(deps: Deps, gateway: Gateway, other?: Secret): Promise<Knock> {
  const { port } = await networkOf(deps, gateway);
  const token = other ?? deps.keys.token(gateway);
  return deps.door.knock({ place: gateway.place, port }, { token, device: deps.keys.device(gateway), scopes });
}

/**
 * Approves our own request and no other: the gateway named it to a connection that our key has signed. Its answer may
 * be lost; the next knock decides.
 */
async function approve(deps: Deps, gateway: Gateway, requestId: string): Promise<void> {
  await containerOf(deps, gateway);
  const which = `pairing request ${requestId} of ${gateway.mark.gateway}`;
  const asked = approveRequest(insideWith(deps, gateway, deps.keys.token(gateway)), requestId);
  const deviceId = await asked.catch((error: unknown) => {
    if (error instanceof RpcError || error instanceof Refused) return undefined;
    throw error;
  });
  if (deviceId === undefined) throw new NotYet(`${which} was not approved (yet, or any more)`);
  if (deviceId !== deps.keys.device(gateway).id)
    throw new Bug(`${which} was for device ${deviceId}, which is not creel's`);
}
