import { Refused } from '../../../domain/errors.js';
import type { Place } from '../../../domain/hosts/place.js';
import { epochVolume, epochVolumeName, masterLabel, type Epoch } from '../../../domain/recovery/epoch.js';
import type { World } from '../../../world/world.js';

/**
 * Demands that nobody has taken the deployment over from this namespace, as an engine remembers it, and
 * has the engine remember this one. `Refused` for a former master.
 */
export async function demandEpoch(
  { engineAt, epoch, about: { deployment } }: Pick<World, 'engineAt' | 'epoch' | 'about'>,
  place: Place,
): Promise<void> {
  const engine = engineAt(place);
  const { number } = epoch;
  if (await engine.findVolume(epochVolumeName(deployment, number + 1))) throw takenOver(place.engine, epoch);
  if (number === 1) return; // Nothing stands on the engine for the first: most deployments are never taken over.
  const name = epochVolumeName(deployment, number);
  if (!(await engine.findVolume(name))) {
    // Also those below: a master two epochs ago looks only for the one that follows its own.
    for (let each = number; each > 1; each -= 1)
      await engine.createVolume(epochVolume(deployment, { ...epoch, number: each }));
  }
  const there = await engine.findVolume(name);
  if (there?.labels[masterLabel] !== epoch.id) throw takenOver(place.engine, epoch);
}

/** Another namespace commands the engine now. */
export class TakenOver extends Refused {}

function takenOver(engine: string | undefined, { number }: Epoch): TakenOver {
  return new TakenOver(
    `another namespace has taken this deployment over: engine ${engine ?? 'of this worker'} no longer obeys epoch ${number}, which this worker belongs to. End this worker; see docs/runbook.md#taken-over`,
  );
}
