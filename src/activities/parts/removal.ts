import { NotYet } from '../../domain/errors.js';
import { names, type Gateway } from '../../domain/gateway/gateway.js';
import { replacementNames } from '../../domain/changes/replacement.js';
import { stopGraceS } from '../../domain/thresholds.js';
import type { Deps } from '../../world/deps.js';
import { findOurs, findOurVolume } from './ours.js';
import { stopSaying } from './container/stop.js';

/** Removes every container of this life. It is asked to stop first (S4-20), and does not come back by itself. */
export async function removeContainer(deps: Deps, gateway: Gateway): Promise<void> {
  await removeNamed(deps, gateway, names(gateway.mark).container);
  await removeTrial(deps, gateway);
}

/** Removes what an interrupted rehearsal left: its container runs on a copy, which goes with it. */
export async function removeTrial(deps: Deps, gateway: Gateway): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const { rehearsal, trial } = replacementNames(gateway.mark);
  const found = await findOurs(deps, gateway, rehearsal);
  if (found) await engine.removeContainer(found.id);
  const copy = await findOurVolume(deps, gateway, trial);
  if (copy) await engine.removeVolume(trial);
}

/** Removes what a container of ours may hold. A container that a lost attempt made after its own undo goes first. */
export async function removeHeld(deps: Deps, gateway: Gateway, remove: () => Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!(error instanceof NotYet)) throw error;
    await removeContainer(deps, gateway);
    await remove();
  }
}

/** Removes the container of this name, if it is ours. */
export async function removeNamed(deps: Deps, gateway: Gateway, name: string): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const found = await findOurs(deps, gateway, name);
  if (!found) return;
  if (found.restartPolicy !== 'no') await engine.setRestartPolicy(found.id, 'no');
  await stopSaying(engine, found, stopGraceS);
  await engine.removeContainer(found.id);
  if (await engine.findContainer(name)) throw new Error(`container ${name} is still there after its removal`);
}
