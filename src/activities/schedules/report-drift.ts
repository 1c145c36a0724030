import type { Place } from '../../domain/hosts/place.js';
import { emptyReport, withCompared, type DriftReport, type ImagesOn } from '../../domain/schedules/drift.js';
import type { Deps } from '../../world/deps.js';
import { catalogueOf } from '../parts/catalogue.js';

/** The engines beside which a worker stands now. */
export async function findAttended(deps: Deps): Promise<string[]> {
  const { engineId: here } = await deps.hosts.readHost({ provider: 'local', host: 'local' });
  const others = (await deps.findEngines()).filter(({ engine, attended }) => attended && engine !== here);
  return [here, ...others.map(({ engine }) => engine)];
}

/** Which image each release of the catalogue is on one engine. */
export async function findReleaseImages(deps: Deps, { place }: { readonly place: Place }): Promise<ImagesOn> {
  const engine = deps.engineAt(place);
  const images: Record<string, string> = {};
  for (const { version, image } of await catalogueOf(deps)) {
    const found = await engine.findImage(image);
    if (found) images[version] = found.id;
  }
  return { engine: place.engine ?? '', images };
}

/** Compares the records of all gateways with what the engines that were asked have (S2-39). */
export async function findDrift(
  deps: Deps,
  { images }: { readonly images: readonly ImagesOn[] },
): Promise<DriftReport> {
  const catalogue = [...(await catalogueOf(deps))];
  let report = emptyReport;
  for await (const line of deps.records.lines(new Date())) {
    deps.signal()?.throwIfAborted();
    if (!('life' in line) || line.phase === 'removed') continue;
    const { gateway, life, imageId } = line;
    const compared = { gateway, release: life.spec.release, engine: life.place.engine, imageId };
    report = withCompared(report, compared, catalogue, images);
  }
  return report;
}
