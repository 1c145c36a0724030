import { measuring, wayLabel } from '../../domain/changes/copying.js';
import { NotYet } from '../../domain/errors.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { replacementNames } from '../../domain/changes/replacement.js';
import type { Container } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';
import { demandOurs } from './ours.js';

/**
 * Removes a copier that was never started or is over, so that an attempt asleep beside it starts nothing. One under way
 * is `NotYet`.
 */
export async function demandNoCopy(deps: Deps, gateway: Gateway): Promise<void> {
  const found = await copierOf(deps, gateway);
  if (!found) return;
  if (['created', 'exited'].includes(found.state)) return deps.engineAt(gateway.place).removeContainer(found.id);
  if (found.labels[wayLabel] === measuring) return; // It only reads.
  throw new NotYet(`the state of ${gateway.mark.gateway} is being copied by container ${found.name}`);
}

/** The container under the copier's name, if there is one; `Foreign` when it is not ours. */
export async function copierOf(deps: Deps, gateway: Gateway): Promise<Container | undefined> {
  const { copier } = replacementNames(gateway.mark);
  const found = await deps.engineAt(gateway.place).findContainer(copier);
  demandOurs('container', copier, found?.labels, gateway);
  return found;
}
