import type { Client } from '@temporalio/client';
import { askableNow, type Act, type Plan, type Wanted } from '../../domain/apply/plan.js';
import { layout, type Gateway } from '../../domain/gateway/gateway.js';
import { findObstacles, whyRefused } from '../foresee.js';
import { localPlace, proposedBirth } from '../gateways.js';
import { eachAtOnce } from './at-once.js';
import { wishOf } from './carry-out.js';
import type { Looked } from './look.js';

/** What is to be done about one gateway, and what was found of it. */
type Foreseen = { readonly wanted: Wanted; readonly looked: Looked; readonly plan: Plan };

/** How many gateways are asked at the same time. */
const atOnce = 10;

/**
 * Why each plan would be refused at its first operation, or on the way: by the gateway's own record, the catalogue, or
 * the stored secrets. Nothing for most. `NoWorker`.
 */
export async function foreseen(client: Client, plans: readonly Foreseen[], origin: string): Promise<string[][]> {
  const refused = await eachAtOnce(plans, atOnce, async (each) => refusalsOf(client, each, origin));
  const asked = plans.map(({ wanted, looked, plan }) => (asksWorld(plan) ? gatewayOf(wanted, looked) : undefined));
  const gateways = asked.filter((each) => each !== undefined);
  const replaced = plans.filter(({ plan }) => replaces(plan)).map(({ wanted }) => wanted.gateway);
  const begins = plans.filter(({ looked, plan }) => begin(plan, looked)).map(({ wanted }) => wanted.gateway);
  const found = await findObstacles(client, gateways, { replaced, begins });
  const obstacles = new Map(gateways.map((gateway, index) => [gateway, found[index] ?? []]));
  return asked.map((gateway, index) => [
    ...new Set([...(refused[index] ?? []), ...((gateway && obstacles.get(gateway)) ?? [])]),
  ]);
}

/** What the record says no to. */
async function refusalsOf(client: Client, { wanted, looked, plan }: Foreseen, origin: string): Promise<string[]> {
  if (!('acts' in plan)) return [];
  const said = await Promise.all(
    askableNow(plan.acts).map(async (act) => whyRefused(client, wanted.gateway, wishOf(wanted, looked, act, origin))),
  );
  return said.filter((each) => each !== undefined);
}

/** Whether the first step of one of its operations looks into catalogue and secret store. */
function asksWorld(plan: Plan): boolean {
  return 'acts' in plan && plan.acts.some(asks);
}

function asks(act: Act): boolean {
  if (act.act === 'provision' || act.act === 'upgrade') return true;
  return act.act === 'change' && act.ways.some((way) => way !== 'record only');
}

/** Whether it begins a life. */
function begin(plan: Plan, { told }: Looked): boolean {
  const lives = told?.life !== undefined && told.phase !== 'removed';
  return !lives && 'acts' in plan && plan.acts.some(({ act }) => act === 'provision');
}

/** Whether one of its operations makes a new container beside a copy of the state. */
function replaces(plan: Plan): boolean {
  if (!('acts' in plan)) return false;
  return plan.acts.some(
    (each) => each.act === 'upgrade' || (each.act === 'change' && each.ways.includes('new container')),
  );
}

/** The gateway as it is to be. */
function gatewayOf({ gateway, spec, place = localPlace }: Wanted, { told }: Looked): Gateway {
  const life = told?.phase === 'removed' ? undefined : told?.life;
  if (life) return { ...life, spec };
  const mark = { deployment: told?.deployment ?? '', gateway, birth: proposedBirth(gateway, ''), layout };
  return { mark, place, spec, tokenGeneration: 1, deviceGeneration: 1 };
}
