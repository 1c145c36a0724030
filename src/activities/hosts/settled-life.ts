import type { Gateway } from '../../domain/gateway/gateway.js';
import type { RegionAt } from '../../domain/hosts/region.js';
import type { Standing } from '../../domain/sweep/judge.js';
import type { Description } from '../../wire/description.js';
import type { Deps } from '../../world/deps.js';

export type PageAsked = Standing & {
  /** The machine that the engine is on; absent on any other host. */
  readonly at?: RegionAt;
  /** Begins after this gateway; at the first one when empty. */
  readonly after: string;
  /** So many gateways at most. */
  readonly limit: number;
};

/** One page of the gateways that stand on an engine, by name, and the last of them where more follow. */
export async function pageOn(
  deps: Deps,
  { engine, was = [], after, limit }: PageAsked,
): Promise<{ page: readonly string[]; next: string | undefined }> {
  const all = new Set<string>();
  for (const id of [engine, ...was]) for await (const gateway of deps.records.standingOn(id)) all.add(gateway);
  const order = [...all].toSorted();
  const page = order.filter((gateway) => gateway > after).slice(0, limit);
  const last = page.at(-1);
  return { page, next: last === order.at(-1) ? undefined : last };
}

/** A life that rests, and is ready. */
export type SettledLife = {
  readonly life: Gateway;
  readonly imageId: string;
  readonly provedAt: string;
  readonly last: number | undefined;
};

/** The life of a gateway on this engine that its record calls ready; undefined where it is not, or is being worked on. */
export function settledLife(told: Description | undefined, { engine, was = [] }: Standing): SettledLife | undefined {
  if (!told?.life || !told.record || told.phase !== 'ready' || told.running || told.queue.length > 0) return undefined;
  if (![engine, ...was].includes(told.life.place.engine ?? '')) return undefined;
  return {
    life: told.life,
    imageId: told.record.imageId,
    provedAt: told.record.provedAt,
    last: told.last?.operation,
  };
}
