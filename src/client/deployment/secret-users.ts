import type { Client } from '@temporalio/client';
import { secretsOf } from '../../domain/gateway/secrets-of.js';
import type { Description } from '../../wire/description.js';
import { describeQuery } from '../../wire/messages.js';
import { gatewayWorkflowId } from '../../wire/ids.js';
import { eachAtOnce } from '../apply/at-once.js';
import { everyGateway, namedBy, type Named, type NamedBy } from '../named-by.js';

/** By what a gateway names a secret, and until when, where that is known. */
export type SecretUse = {
  readonly gateway: string;
  readonly by: 'channels' | 'models' | 'operation' | 'kept state' | 'former release';
  readonly until?: string;
};

/** How gateways use each stored secret, by name; each with all its uses, in the order of the gateways. */
export type SecretUsers = NamedBy<SecretUse>;

/**
 * Asks every gateway which secrets it names. `NoWorker` when one of them does not answer, because it may name any.
 */
export async function secretUsers(client: Client): Promise<SecretUsers> {
  return namedBy(client, 'secret', secretUses);
}

/**
 * The uses of one secret, as far as gateways answer until then (epoch ms), and how many did not: for a hint that nobody
 * waits for.
 */
export async function usesBefore(
  client: Client,
  name: string,
  deadline: number,
): Promise<{ readonly uses: readonly SecretUse[]; readonly silent: number }> {
  const ids = await client.withDeadline(deadline, () => everyGateway(client)).catch(() => undefined);
  if (!ids) return { uses: [], silent: 1 };
  const told = await eachAtOnce(ids, 10, (id) => describedBefore(client, id, deadline));
  const uses = told.flatMap((each) => (each ? [...secretUses(each)] : []));
  return {
    uses: uses.flatMap(([each, use]) => (each === name ? [use] : [])),
    silent: told.filter((each) => !each).length,
  };
}

/** What a gateway says of itself until then; undefined when it says nothing. */
async function describedBefore(client: Client, gateway: string, deadline: number): Promise<Description | undefined> {
  if (Date.now() >= deadline) return undefined;
  const handle = client.workflow.getHandle(gatewayWorkflowId(gateway));
  return client.withDeadline(deadline, () => handle.query(describeQuery)).catch(() => undefined);
}

/**
 * The secrets that a gateway needs, each with its use: its spec's, while it lives or its state is kept, those of what
 * runs or waits, and those of the release that a rollback goes back to.
 */
export function secretUses(told: Description): Named<SecretUse> {
  const { gateway, phase, life, stateKeptUntil, former, sought = [] } = told;
  const isRemoved = phase === 'removed';
  if (!life || (isRemoved && stateKeptUntil === undefined)) return [];
  const used = (named: object | undefined, use: Omit<SecretUse, 'gateway'>) =>
    secretsOf(named ?? []).map((name) => [name, { gateway, ...use }] as const);
  if (isRemoved) return used(life.spec, { by: 'kept state', until: String(stateKeptUntil) });
  const { channels, models } = life.spec;
  const named = (names: readonly string[]) => names.map((name) => `secret:${name}`);
  return [
    ...used(channels, { by: 'channels' }),
    ...used(models, { by: 'models' }),
    ...used(named(sought), { by: 'operation' }),
    ...(former ? used(named(former.secrets ?? []), { by: 'former release', until: former.until }) : []),
  ];
}
