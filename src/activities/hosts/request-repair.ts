import type { RegionAt } from '../../domain/hosts/region.js';
import type { Drifted } from '../../wire/reconcile.js';
import type { Deps } from '../../world/deps.js';

export type RepairAsked = Pick<Drifted, 'gateway' | 'birth' | 'engine'> & {
  /** The machine of its own on which it stands. */
  readonly at?: RegionAt;
  readonly run: string;
};

/**
 * Asks a gateway for a repair with the spec on record, as `creel provision` does; one request in a run. Answers why
 * nothing was asked; nothing when it was.
 */
export async function requestRepair(deps: Deps, { gateway, birth, run }: RepairAsked): Promise<string | undefined> {
  const requestId = repairRequest(run, gateway);
  if (await deps.records.standing(gateway, requestId)) return undefined; // By an attempt that nobody heard the end of.
  const told = await deps.records.describe(gateway);
  const life = told?.life;
  if (!life || life.mark.birth !== birth || told.phase !== 'ready') return 'it is not ready any more';
  const asked = await deps.records.request(gateway, {
    kind: 'provision',
    requestId,
    origin: run,
    spec: life.spec,
    place: life.place,
    birth,
    how: 'new',
  });
  return asked ? undefined : 'it has no record any more';
}

/** The id of the request of a repair: one of each gateway in a run. */
export function repairRequest(run: string, gateway: string): string {
  return `${run}-${gateway}`.slice(0, 200);
}
