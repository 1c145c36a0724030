import type { Client } from '@temporalio/client';
import { changeWays, type ChangeWay } from '../../domain/changes/reconfiguration.js';
import { Refused } from '../../domain/errors.js';
import { namedAnew, withoutNaming } from '../../domain/gateway/named-secret.js';
import type { GatewaySpec } from '../../domain/gateway/spec.js';
import type { ChangeRequest } from '../../wire/change-requests.js';
import type { Standing } from '../../wire/description.js';
import type { StoredSecret } from '../../wire/foresight.js';
import { describePark } from '../../wire/park.js';
import { eachAtOnce } from '../apply/at-once.js';
import { carryOn, type ApplyEnd, type Asking, type Done, type Due } from '../apply/carry-on.js';
import { lookAt, type Looked } from '../apply/look.js';
import { findObstacles, whyRefused } from '../foresee.js';
import { standing } from '../gateways.js';
import { secretUsers, type SecretUse } from './secret-users.js';

/** A gateway that is to take a stored secret up anew, how, and what speaks against it. */
export type TakingUp = {
  readonly gateway: string;
  readonly looked: Looked;
  /** What its spec is now, or was when it was looked at. */
  readonly spec: GatewaySpec | undefined;
  /** None where its spec does not name it yet, and an operation that is under way will. */
  readonly ways: readonly ChangeWay[];
  readonly refused: readonly string[];
};

/**
 * Who takes a stored secret up anew, those that are suspended by their resumption, and who uses it otherwise: a state that
 * is kept, a former release.
 */
export type SecretPlan = { readonly takers: readonly TakingUp[]; readonly others: readonly SecretUse[] };

/** How many gateways are looked at, and a gateway's requests asked for, at the same time. */
const atOnce = 10;

/**
 * Looks for every gateway that names a stored secret, but for those that are left out, and at what would be refused of
 * each at once: by its record, or because its worker reads other secrets. Nothing is touched. `NoWorker` while a gateway
 * does not answer; `Refused` where somebody is left out who does not name it.
 */
export async function planRotation(
  client: Client,
  secret: StoredSecret,
  leftOut: readonly string[],
  origin: string,
): Promise<SecretPlan> {
  const named = (await secretUsers(client)).get(secret.name) ?? [];
  const odd = leftOut.find((id) => !named.some(({ gateway }) => gateway === id));
  if (odd !== undefined) throw new Refused(`${odd} is to be left alone, and does not name ${secret.name}`);
  const uses = named.filter(({ gateway }) => !leftOut.includes(gateway));
  const isTaker = ({ by }: SecretUse) => by === 'channels' || by === 'models' || by === 'operation';
  const ids = [...new Set(uses.filter(isTaker).map(({ gateway }) => gateway))];
  const looks = await eachAtOnce(ids, atOnce, async (id) => [id, await lookAt(client, id, false)] as const);
  const there = looks.filter(([, { found }]) => ['alive', 'lost', 'suspended'].includes(found.is));
  const lives = there.flatMap(([id, { found, told }]) =>
    told?.life && found.is !== 'suspended' ? [[id, told.life] as const] : [],
  );
  const seen = await findObstacles(
    client,
    lives.map(([, life]) => ({ ...life, spec: withoutNaming(life.spec, secret.name) })),
    { secret },
  );
  const obstacles = new Map(lives.map(([id], index) => [id, seen[index] ?? []]));
  const takers = await eachAtOnce(there, atOnce, async ([gateway, looked]): Promise<TakingUp> => {
    const spec = looked.told?.life?.spec;
    const change = spec && namedAnew(spec, secret.name);
    const refused = await refusals(client, gateway, looked, change && wish(change, 'asked for', looked, origin));
    return {
      gateway,
      looked,
      spec,
      ways: spec && change ? changeWays(spec, spec, change) : [],
      refused: [...refused, ...(obstacles.get(gateway) ?? [])],
    };
  });
  return { takers, others: uses.filter((use) => !isTaker(use)) };
}

/** What the record says no to. Of what is under way only that it waits for a person: the rest is asked when it has ended. */
async function refusals(
  client: Client,
  gateway: string,
  { found, told }: Looked,
  asked: ChangeRequest | undefined,
): Promise<string[]> {
  if (found.is === 'lost') return [found.cure];
  if (found.is === 'suspended') return []; // It is skipped, and its resumption takes it up.
  if (told?.park) return [`it is ${describePark(gateway, told.park)}`];
  if (!asked || (found.is === 'alive' && found.busy)) return [];
  const why = await whyRefused(client, gateway, asked);
  return why === undefined ? [] : [why];
}

/**
 * Has a gateway take up the value that is stored, and follows that to its end. Each try for one value has a request id
 * of its own, which says so: what an earlier command has asked for is waited for, and what is done is not done again.
 * `versionNow` says which value is stored by then; another one ends it.
 */
export function takeUp(
  client: Client,
  secret: Required<StoredSecret>,
  { gateway, looked }: TakingUp,
  versionNow: () => Promise<string | undefined>,
  asking: Asking,
): Promise<ApplyEnd> {
  const { name, version } = secret;
  const other = `another ${name} was stored meanwhile: \`creel secret rotate ${name} --stored\` goes on with that`;
  return carryOn(client, gateway, looked, asking, async (now, done) =>
    (await versionNow()) === version
      ? dueOf(client, secret, gateway, now, done, asking.origin)
      : { end: 'attention', reason: other },
  );
}

async function dueOf(
  client: Client,
  secret: Required<StoredSecret>,
  gateway: string,
  now: Looked,
  done: readonly Done[],
  origin: string,
): Promise<Due> {
  const { found } = now;
  if (found.is === 'lost') return { end: 'attention', reason: found.cure };
  if (found.is === 'suspended') return { end: 'skipped', reason: found.why };
  if (found.is !== 'alive') return { end: 'left alone', reason: '' };
  if (found.busy) return { act: 'wait', ...found.busy };
  const change = namedAnew(found.spec, secret.name);
  if (!change) return { end: 'left alone', reason: '' };
  const { last, next } = await triesOf(client, secret, gateway, now);
  const ours = done.find(({ operation }) => operation === last?.operation);
  if (last?.state === 'done') return { end: ours && ours.act !== 'wait' ? 'done' : 'left alone', reason: '' };
  if (last && ours && last.state !== 'withdrawn')
    return { end: 'failed', reason: `operation ${last.operation} ended ${last.state}: ${last.reason}` };
  return { act: 'change', ask: wish(change, next, now, origin) };
}

/** How often a gateway may be asked to take one value up. */
const triesMost = 100;

/** How the last try for this value stands, and the request id of the next. */
async function triesOf(
  client: Client,
  { name, version }: Required<StoredSecret>,
  gateway: string,
  { told }: Looked,
): Promise<{ readonly last: Standing | undefined; readonly next: string }> {
  const base = `secret-${name}-${version}-${told?.life?.mark.birth ?? 'none'}`;
  let last: Standing | undefined;
  for (let number = 1; number < triesMost; number += 1) {
    const found = await standing(client, gateway, `${base}-${number}`);
    if (!found) return { last, next: `${base}-${number}` };
    last = found;
  }
  return { last, next: `${base}-${triesMost}` };
}

function wish(change: object, requestId: string, { told }: Looked, origin: string): ChangeRequest {
  const birth = told?.life?.mark.birth;
  return { kind: 'change', ...change, requestId, origin, ...(birth !== undefined && { birth }) };
}
