import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { Container } from '../../../ports/docker-engine.js';
import { demandNoCopy } from '../copier.js';
import type { Deps } from '../../../world/deps.js';
import { isOwn, notOwn, currentMark } from '../state-mark.js';

/**
 * Starts a container under the gateway's own name. No copy of its state is under way, and none can begin: a copier is
 * made before it looks for that name, and whatever starts takes that name before it looks for a copier
 * (docs/decisions/0007). A state that by then says it is torn, or another release's, is `Refused`.
 */
export async function startOnState(
  deps: Deps,
  gateway: Gateway,
  container: Pick<Container, 'id'>,
): Promise<'running' | 'port taken'> {
  await demandNoCopy(deps, gateway);
  const mark = await currentMark(deps, gateway, container);
  if (mark && !isOwn(gateway, mark)) throw await notOwn(deps, gateway, mark);
  deps.signal()?.throwIfAborted();
  return deps.engineAt(gateway.place).startContainer(container.id);
}
