import type { Client } from '@temporalio/client';
import type { Description } from '../wire/description.js';
import { NoWorker, UnknownGateway } from './failure.js';
import { gatewayIds, seeEach } from './fleet.js';
import { ask, listLost } from './gateways.js';

/** What a gateway names of one kind, each with what is to be known of that. */
export type Named<T> = readonly (readonly [name: string, use: T])[];

/** How gateways use each of some things, by its name, in the order of the gateways. */
export type NamedBy<T> = ReadonlyMap<string, readonly T[]>;

/**
 * Asks every gateway what it names of one kind. `NoWorker` when one of them does not answer, because it may name
 * anything.
 */
export async function namedBy<T>(
  client: Client,
  kind: string,
  namesOf: (description: Description) => Named<T>,
): Promise<NamedBy<T>> {
  const by = new Map<string, T[]>();
  for (const [gateway, named] of await seeEach(await everyGateway(client), (id) => namesIn(client, id, namesOf))) {
    if (named === 'silent')
      throw new NoWorker(`gateway ${gateway} does not answer, and may name any ${kind}. Ask again when it does`);
    for (const [name, use] of named) by.set(name, [...(by.get(name) ?? []), use]);
  }
  return by;
}

/** The ids of all gateways that may name anything, lost ones too, sorted. */
export async function everyGateway(client: Client): Promise<string[]> {
  const ids = new Set<string>();
  for await (const gateway of gatewayIds(client)) ids.add(gateway);
  for await (const { gateway } of listLost(client)) ids.add(gateway);
  return [...ids].toSorted();
}

async function namesIn<T>(
  client: Client,
  gateway: string,
  namesOf: (description: Description) => Named<T>,
): Promise<Named<T> | 'silent'> {
  try {
    return namesOf(await ask(client, gateway));
  } catch (error) {
    if (error instanceof UnknownGateway) return [];
    if (error instanceof NoWorker) return 'silent';
    throw error;
  }
}
