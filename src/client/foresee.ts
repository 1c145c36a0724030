import { randomBytes } from 'node:crypto';
import { QueryRejectedError, type Client } from '@temporalio/client';
import type { Gateway } from '../domain/gateway/gateway.js';
import type { ForeseeInput, StoredSecret } from '../wire/foresight.js';
import { foreseeWorkflowId, gatewayWorkflowId, taskQueue } from '../wire/ids.js';
import { defaultLimits } from '../wire/limits.js';
import { refusalQuery } from '../wire/messages.js';
import type { Request } from '../wire/requests.js';
import { isNotFound, NoWorker, TurnedDown, unwrap } from './failure.js';
import { openOnly } from './fleet.js';
import { answerMs } from './gateways.js';
import { answerOf } from './looks.js';
import { patiently } from './patience.js';

/**
 * Why a gateway would refuse a request now, in its own words; undefined when it would take it, or nobody ever asked for
 * it. `NoWorker`.
 */
export async function whyRefused(client: Client, gateway: string, asked: Request): Promise<string | undefined> {
  const handle = openOnly(client).workflow.getHandle(gatewayWorkflowId(gateway));
  const meanwhile = 'the gateway itself cannot answer. Start one with `creel worker`';
  try {
    return (
      (await patiently(client, () => handle.query(refusalQuery, asked), { withinMs: answerMs, meanwhile })) ?? undefined
    );
  } catch (error) {
    if (error instanceof QueryRejectedError || isNotFound(error)) return undefined;
    throw error instanceof NoWorker ? error : unwrap(error);
  }
}

/** How many gateways one look is about: each brings its whole spec. */
const atOnce = 20;

/**
 * What the first step of each gateway would refuse, by the catalogue and the stored secrets of the worker beside its
 * engine, or of any; in their order. With a secret, also that another value of it is stored there. `NoWorker`.
 */
export async function findObstacles(
  client: Client,
  gateways: readonly Gateway[],
  secret?: StoredSecret,
): Promise<string[][]> {
  const found = new Map<Gateway, string[]>();
  for (const engine of new Set(gateways.map(({ place }) => place.engine))) {
    const beside = gateways.filter(({ place }) => place.engine === engine);
    for (let first = 0; first < beside.length; first += atOnce) {
      const some = beside.slice(first, first + atOnce);
      const told = await look(client, engine, some, secret);
      for (const [index, gateway] of some.entries()) found.set(gateway, told[index] ?? []);
    }
  }
  return gateways.map((each) => found.get(each) ?? []);
}

/** How long one look may take. */
const limit = '1 minute';

async function look(
  client: Client,
  engine: string | undefined,
  gateways: readonly Gateway[],
  secret: StoredSecret | undefined,
): Promise<string[][]> {
  const input: ForeseeInput = { gateways, limits: defaultLimits, ...(secret && { secret }) };
  try {
    const handle = await client.workflow.start('foreseeGateways', {
      workflowId: foreseeWorkflowId(randomBytes(6).toString('hex')),
      taskQueue,
      args: [input],
      workflowExecutionTimeout: limit,
      staticSummary: `look for what would be refused of ${gateways.length} gateways`,
    });
    const place = { provider: 'local', host: 'local', ...(engine !== undefined && { engine }) } as const;
    return await answerOf<string[][]>(client, handle, place);
  } catch (error) {
    throw unwrap(error);
  }
}

/** `TurnedDown` when the first step of a gateway would refuse it, with all that it would say. */
export async function demandNoObstacle(client: Client, gateway: Gateway): Promise<void> {
  const [found = []] = await findObstacles(client, [gateway]);
  if (found.length > 0) throw new TurnedDown(found.join('\n'), 'Refused');
}

/** `TurnedDown` when the gateway would not take a request, in its own words. */
export async function demandTaken(client: Client, gateway: string, asked: Request): Promise<void> {
  const why = await whyRefused(client, gateway, asked);
  if (why !== undefined) throw new TurnedDown(why, 'Refused');
}
