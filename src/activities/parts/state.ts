import { Bug } from '../../domain/errors.js';
import { names, type Gateway } from '../../domain/gateway/gateway.js';
import { removeHeld } from './removal.js';
import type { Deps } from '../../world/deps.js';
import { demandOurs } from './ours.js';

/** Removes the state volume of this life, and a writer that holds it open. */
export async function removeState(deps: Deps, gateway: Gateway): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const { volume } = names(gateway.mark);
  await removeWriter(deps, gateway);
  const found = await engine.findVolume(volume);
  if (!found) return;
  demandOurs('volume', volume, found.labels, gateway);
  await removeHeld(deps, gateway, () => engine.removeVolume(volume));
  if (await engine.findVolume(volume)) throw new Error(`volume ${volume} is still there after its removal`);
}

/** Removes the never-started container through which the config is written, which a lost attempt may have left. */
export async function removeWriter(deps: Deps, gateway: Gateway): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const { writer } = names(gateway.mark);
  const found = await engine.findContainer(writer);
  if (!found) return;
  demandOurs('container', writer, found.labels, gateway);
  if (found.state === 'running') throw new Bug(`writer ${writer} runs; it must never be started`);
  await engine.removeContainer(found.id);
}
