import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { QueryRejectedError, type Client } from '@temporalio/client';
import type { Gateway } from '../domain/gateway/gateway.js';
import type { ForeseeAlso, ForeseeInput } from '../wire/foresight.js';
import { foreseeWorkflowId, gatewayWorkflowId, taskQueue } from '../wire/ids.js';
import { defaultLimits } from '../wire/limits.js';
import { refusalQuery } from '../wire/messages.js';
import type { Request } from '../wire/requests.js';
import { knownEngines } from './deployment/engines.js';
import { isNotFound, NoWorker, TurnedDown, unwrap } from './failure.js';
import { openOnly } from './fleet.js';
import { answerMs } from './gateways.js';
import { whyNoRoom } from './ledger.js';
import { answerOf } from './looks.js';
import { patiently } from './patience.js';

/**
 * Why a gateway would refuse a request now, in its own words; undefined when it would take it, or nobody ever asked for
 * it. `NoWorker`.
 */
export async function whyRefused(client: Client, gateway: string, asked: Request): Promise<string | undefined> {
  const handle = openOnly(client).workflow.getHandle(gatewayWorkflowId(gateway));
  const meanwhile = 'whether the gateway would take it, nobody can say meanwhile. Start one with `creel worker`';
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
 * engine, in their order. One that may begin on any engine is held against the workers of all: what only some refuse is
 * told with where. `NoWorker`.
 */
export async function findObstacles(
  client: Client,
  gateways: readonly Gateway[],
  also: ForeseeAlso = {},
): Promise<string[][]> {
  const found = new Map<Gateway, string[]>();
  const [bought, placed] = [gateways.filter(hasMachine), gateways.filter((each) => !hasMachine(each))];
  const ofBought = await lookAt(client, undefined, bought, also);
  for (const [index, gateway] of bought.entries()) found.set(gateway, ofBought[index] ?? []);
  for (const engine of new Set(placed.map(({ place }) => place.engine))) {
    const beside = placed.filter(({ place }) => place.engine === engine);
    const told = await (engine === undefined
      ? lookEverywhere(client, beside, also)
      : lookAt(client, engine, beside, also));
    for (const [index, gateway] of beside.entries()) found.set(gateway, told[index] ?? []);
  }
  return gateways.map((each) => found.get(each) ?? []);
}

/** Any worker knows what speaks against a machine of its own. */
function hasMachine({ spec }: Gateway): boolean {
  return spec.machine !== undefined;
}

/** The same for gateways of which nobody knows yet on which engine they begin. */
async function lookEverywhere(client: Client, gateways: readonly Gateway[], also: ForeseeAlso): Promise<string[][]> {
  const engines = (await knownEngines(client)).filter(({ attended }) => attended);
  if (engines.length < 2) return lookAt(client, undefined, gateways, also);
  const told = await firstAndSoon(
    engines.map(async ({ engine, host }) => {
      const there = gateways.map((each) => ({ ...each, place: { ...each.place, engine } }));
      return { engine, host, said: await lookAt(client, engine, there, also) };
    }),
    answerMs,
  );
  return gateways.map((_, index) =>
    whereRefused(told.map(({ engine, host, said }) => ({ engine, host, said: said[index] ?? [] }))),
  );
}

/**
 * What comes first, and what comes soon after it: a worker that has just gone counts as there for a minute. Why the
 * first failed, when all do.
 */
export async function firstAndSoon<T>(asked: readonly Promise<T>[], soonMs: number): Promise<T[]> {
  const over = new AbortController();
  const first = Promise.any(asked).catch(() => asked[0]);
  const soon = first.then(() => sleep(soonMs, undefined, { signal: over.signal })).catch(() => undefined);
  try {
    await first;
    const told = await Promise.all(asked.map((each) => Promise.race([each.catch(() => undefined), soon])));
    return told.filter((each) => each !== undefined);
  } finally {
    over.abort();
  }
}

/** What the worker beside one engine refuses of a gateway. */
type RefusedThere = { readonly engine: string; readonly host: string; readonly said: readonly string[] };

/** What all refuse, as they say it; what only some do with where that is, and where it is not. */
export function whereRefused(told: readonly RefusedThere[]): string[] {
  return [...new Set(told.flatMap(({ said }) => said))].map((each) => {
    const [no, yes] = [true, false].map((does) => told.filter(({ said }) => said.includes(each) === does));
    const [other] = yes ?? [];
    if (!other) return each;
    const hosts = (no ?? []).map(({ host, engine }) => `${host} (engine ${engine})`).join(', ');
    return `on ${hosts}: ${each}. On ${other.host} it is not so: \`creel provision --engine ${other.engine}\` begins it there`;
  });
}

async function lookAt(
  client: Client,
  engine: string | undefined,
  gateways: readonly Gateway[],
  also: ForeseeAlso,
): Promise<string[][]> {
  const told: string[][] = [];
  for (let first = 0; first < gateways.length; first += atOnce)
    told.push(...(await look(client, engine, gateways.slice(first, first + atOnce), also)));
  return told;
}

/** How long one look may take. */
const limit = '1 minute';

async function look(
  client: Client,
  engine: string | undefined,
  gateways: readonly Gateway[],
  also: ForeseeAlso,
): Promise<string[][]> {
  const input: ForeseeInput = { gateways, limits: defaultLimits, ...also };
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
export async function demandNoObstacle(client: Client, gateway: Gateway, also: ForeseeAlso = {}): Promise<void> {
  const [found = []] = await findObstacles(client, [gateway], also);
  if (found.length > 0) throw new TurnedDown(found.join('\n'), 'Refused');
}

/** `TurnedDown` when the ledger would find no room for a gateway now, in its words. */
export async function demandRoom(client: Client, gateway: Gateway): Promise<void> {
  const why = await whyNoRoom(client, gateway);
  if (why !== undefined) throw new TurnedDown(why, 'Refused');
}

/** `TurnedDown` when the gateway would not take a request, in its own words. */
export async function demandTaken(client: Client, gateway: string, asked: Request): Promise<void> {
  const why = await whyRefused(client, gateway, asked);
  if (why !== undefined) throw new TurnedDown(why, 'Refused');
}
