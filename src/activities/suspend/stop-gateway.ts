import type { Suspension } from '../../domain/changes/suspension.js';
import { NotYet, Refused } from '../../domain/errors.js';
import type { Changing } from '../../domain/gateway/changing.js';
import { names, type Gateway } from '../../domain/gateway/gateway.js';
import { isMachine } from '../../domain/hosts/place.js';
import { replacementReadyMs, stopGraceS } from '../../domain/thresholds.js';
import type { Deps } from '../../world/deps.js';
import { ensureRestartPolicy, findAwake, containerOf } from '../parts/container/container.js';
import { awaitReadyAgain } from '../parts/container/readiness.js';
import { startOnState } from '../parts/container/start.js';
import { stopSaying } from '../parts/container/stop.js';
import { networkOf } from '../parts/network.js';
import { demandOurs, findOurs } from '../parts/ours.js';

type Suspending = Changing<Suspension>;

/** What would be stopped is ours; a gateway whose container is gone serves nobody already. */
export async function probeSuspendable(deps: Deps, gateway: Suspending): Promise<string> {
  const container = await findOurs(deps, gateway, names(gateway.mark).container);
  return container ? `its container is ${container.state}` : 'it has no container';
}

/** The gateway's container has ended, in its own time where it does, and no restart of the engine brings it back. */
export async function ensureSuspension(deps: Deps, gateway: Suspending): Promise<string> {
  const { container: name } = names(gateway.mark);
  const engine = deps.engineAt(gateway.place);
  const container = await findAwake(deps, gateway);
  if (!container) return 'there was nothing to stop';
  demandOurs('container', name, container.labels, gateway);
  await engine.setRestartPolicy(container.id, 'no');
  if (container.state === 'created' || container.state === 'exited') return 'its container had ended already';
  await stopSaying(engine, container, stopGraceS);
  const stays = 'its container has ended; state, port, token and devices stay';
  return isMachine(gateway.place) ? `${stays}. Its machine runs on, and costs as before` : stays;
}

/** What a suspension stopped serves again, and the engine brings it back by itself. */
export async function removeSuspension(deps: Deps, gateway: Gateway): Promise<void> {
  const container = await findOurs(deps, gateway, names(gateway.mark).container);
  if (!container) return;
  if (container.state !== 'running') {
    const woken = await findAwake(deps, gateway);
    const state = woken?.state === 'running' ? 'running' : await startOnState(deps, gateway, container);
    if (state !== 'running') {
      const { port } = await networkOf(deps, gateway);
      throw new Refused(`port ${port} of gateway ${gateway.mark.gateway} was taken while it was stopped`);
    }
  }
  await awaitReadyAgain(deps, gateway, replacementReadyMs);
  await ensureRestartPolicy(deps, gateway);
}

/** The gateway's container does not run, and the engine does not start it. */
export async function probeSuspended(deps: Deps, gateway: Suspending): Promise<string> {
  if (!(await findOurs(deps, gateway, names(gateway.mark).container))) return 'nothing of it runs';
  const { state, restartPolicy } = await containerOf(deps, gateway);
  if (state !== 'exited' && state !== 'created') throw new NotYet(`its container is ${state}`);
  if (restartPolicy !== 'no') throw new NotYet(`the engine would start its container again (${restartPolicy})`);
  return 'nothing of it runs, and the engine does not start it';
}
