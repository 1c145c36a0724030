import type { Gateway } from '../../domain/gateway/gateway.js';
import { replacementLabel, replacementNames } from '../../domain/changes/replacement.js';
import type { Shelf } from '../../domain/gateway/shelf.js';
import type { Deps } from '../../world/deps.js';

/** The release of a saved state: its image is needed for as long as somebody may go back to it. */
export const releaseLabel = 'creel.release';

export const shelves: readonly Shelf[] = ['a', 'b'];

/** A saved state: where it lies, which replacement made it, and its release. */
export type Saved = { readonly shelf: Shelf; readonly number: number; readonly release: string };

/** The saved states under a gateway's names, newest first; whether they are whole is not checked. */
export async function newestFirst(deps: Deps, { mark, place, spec }: Gateway): Promise<Saved[]> {
  const { savedStates } = replacementNames(mark);
  const found = shelves.map(async (shelf) => {
    const volume = await deps.engineAt(place).findVolume(savedStates[shelf]);
    if (!volume) return [];
    const { [replacementLabel]: number, [releaseLabel]: release = spec.release } = volume.labels;
    return [{ shelf, number: Number(number), release }];
  });
  return (await Promise.all(found)).flat().toSorted((one, other) => other.number - one.number);
}
