import { carries, names } from '../../domain/gateway/gateway.js';
import { restartedSince } from '../../domain/hosts/restarted.js';
import { placeOn } from '../../domain/hosts/region.js';
import type { Proved, Restarted, RestartedPage } from '../../wire/restart.js';
import type { Deps } from '../../world/deps.js';
import { repairRequest } from './request-repair.js';
import { pageOn, settledLife, type PageAsked } from './settled-life.js';

/** Of one page of the ready gateways on an engine, those that have not run on since they were proved. Only looks. */
export async function findRestarted(deps: Deps, asked: PageAsked): Promise<RestartedPage> {
  const { clockMs } = await deps.hosts.readHost(placeOn(asked.engine, asked.at));
  const aheadMs = clockMs === undefined ? 0 : clockMs - Date.now();
  const { page, next } = await pageOn(deps, asked);
  const restarted: Restarted[] = [];
  for (const gateway of page) {
    deps.signal()?.throwIfAborted();
    const found = await restartedOn(deps, gateway, asked, aheadMs);
    if (found) restarted.push(found);
  }
  return { restarted, ...(next !== undefined && { next }) };
}

async function restartedOn(
  deps: Deps,
  id: string,
  on: Pick<PageAsked, 'engine' | 'was' | 'at'>,
  aheadMs: number,
): Promise<Restarted | undefined> {
  const settled = settledLife(await deps.records.describe(id), on);
  if (!settled) return undefined;
  const { mark } = settled.life;
  const own = names(mark);
  const engine = deps.engineAt(placeOn(on.engine, on.at));
  const [container, volume] = await Promise.all([engine.findContainer(own.container), engine.findVolume(own.volume)]);
  const ours = container && carries(container.labels, mark) ? container : undefined;
  const found = restartedSince(settled.provedAt, { container: ours, aheadMs });
  if (found === undefined) return undefined;
  const isStateThere = volume !== undefined && carries(volume.labels, mark);
  return {
    gateway: id,
    birth: mark.birth,
    found,
    ...(!isStateThere && { unsafe: `volume ${own.volume} is missing, with the state in it` }),
  };
}

export type ProvedAsked = { readonly gateways: readonly string[]; readonly run: string };

/** Of gateways that were asked for a repair in a run, those that have come to its end, each with why it is not ready. */
export async function findProved(deps: Deps, { gateways, run }: ProvedAsked): Promise<Proved[]> {
  const proved: Proved[] = [];
  for (const gateway of gateways) {
    deps.signal()?.throwIfAborted();
    const standing = await deps.records.standing(gateway, repairRequest(run, gateway));
    if (!standing || standing.gone) proved.push({ gateway, why: 'it was removed meanwhile' });
    else if (standing.state === 'done') proved.push({ gateway, why: undefined });
    else if (standing.park) proved.push({ gateway, why: `it waits for an answer: ${standing.park.reason}` });
    else if (standing.state !== 'queued' && standing.state !== 'running')
      proved.push({ gateway, why: standing.reason || standing.state });
  }
  return proved;
}
