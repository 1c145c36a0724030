import { knownReleases } from '../../domain/release/recorded.js';
import type { Catalogue } from '../../domain/release/release.js';
import type { Deps } from '../../world/deps.js';

/** The releases that are there now: on the deployment's record and, of other versions, in the worker's own file. */
export async function catalogueOf({ records, catalogue }: Deps): Promise<Catalogue> {
  return knownReleases(await records.releases(), catalogue);
}
