import { createHash, randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { visitAt, type Visit } from '../domain/invitation/invitation.js';
import { gatewayWorkflowId } from '../wire/ids.js';
import { inviteUpdate, letInUpdate, visitQuery } from '../wire/messages.js';
import { isNotFound, NoWorker, UnknownGateway, unwrap } from './failure.js';
import { unknownGateway } from './gateways.js';
import { patiently } from './patience.js';

/** How long a record may take to hear of a link (ms). */
const hearMs = 10_000;

/** What makes a link: whoever knows it is let in, once. */
export type Link = { readonly secret: string; readonly until: number };

/**
 * Has a gateway let in whoever shows what is answered here, once, in the place of any earlier link; the record keeps a
 * digest alone. `UnknownGateway`, `TurnedDown` in the gateway's own words, `NoWorker`.
 */
export async function inviteTo(client: Client, gateway: string, validMs: number, origin: string): Promise<Link> {
  const secret = randomBytes(24).toString('base64url');
  const asked = { digest: digestOf(secret), validMs, origin };
  const { until } = await told(client, gateway, (record) =>
    record.executeUpdate(inviteUpdate, { args: [asked], updateId: `invite-${asked.digest}` }),
  );
  return { secret, until };
}

/** How whoever shows this stands, by the gateway's record; nothing comes of it. `unknown` also where no gateway is. */
export async function visitOf(client: Client, gateway: string, secret: string): Promise<Visit> {
  try {
    const visit = await told(client, gateway, (record) => record.query(visitQuery, digestOf(secret)));
    return visitAt(visit, Date.now());
  } catch (error) {
    if (error instanceof UnknownGateway) return { is: 'unknown' };
    throw error;
  }
}

/**
 * Lets in whoever shows this: from then on the link is used. The same `guest` asked for again is one. `TurnedDown` where
 * it lets nobody in.
 */
export async function letIn(client: Client, gateway: string, secret: string, guest: string): Promise<void> {
  await told(client, gateway, (record) =>
    record.executeUpdate(letInUpdate, { args: [digestOf(secret)], updateId: `let-in-${guest}` }),
  );
}

function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

type Handle = ReturnType<Client['workflow']['getHandle']>;

async function told<T>(client: Client, gateway: string, tell: (record: Handle) => Promise<T>): Promise<T> {
  const record = client.workflow.getHandle(gatewayWorkflowId(gateway));
  const meanwhile = `gateway ${gateway} did not hear it. Start one; an invitation may count then, and be known to nobody: invite again`;
  const limits = { withinMs: hearMs, meanwhile, limitMs: hearMs };
  try {
    return await patiently(client, () => tell(record), limits);
  } catch (error) {
    if (error instanceof NoWorker) throw error;
    if (isNotFound(error)) throw unknownGateway(gateway, error);
    throw unwrap(error);
  }
}
