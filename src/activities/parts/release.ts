import { Refused, StartOver } from '../../domain/errors.js';
import { carries, names, type Gateway } from '../../domain/gateway/gateway.js';
import { readPrepared, type Image } from '../../domain/release/image.js';
import { isMachine, type Place } from '../../domain/hosts/place.js';
import { findRelease, type Catalogue, type Release } from '../../domain/release/release.js';
import { replacementNames } from '../../domain/changes/replacement.js';
import type { Deps } from '../../world/deps.js';
import { runs } from './ours.js';
import { say } from '../../world/sentence.js';
import { catalogueOf } from './catalogue.js';

/**
 * The release's image is on the host, pulled by digest if need be, and is what the catalogue says. Gateways share it.
 * It is not demanded of a running gateway, which has what it needs of it.
 */
export async function ensureRelease(deps: Deps, gateway: Gateway): Promise<void> {
  if (!(await runs(deps, gateway))) await fetchRelease(deps, gateway);
}

/** Has the image of a spec's release on the host, as the catalogue says, whatever runs there. */
export async function fetchRelease(deps: Deps, gateway: Gateway): Promise<Image> {
  const engine = deps.engineAt(gateway.place);
  const release = findRelease(await catalogueOf(deps), gateway.spec.release, gateway.spec.dev);
  if (!(await engine.findImage(release.image))) {
    if (release.dev) await bringDevImage(deps, gateway, release);
    else await pull(deps, gateway.place, release.image);
  }
  const image = await releaseImageOf(deps, gateway);
  checkImage(release, image, gateway);
  return image;
}

/** Pulls an image, and notes there that it was creel: only such a one is removed when nobody needs it any more. */
async function pull(deps: Deps, place: Place, reference: string): Promise<void> {
  const engine = deps.engineAt(place);
  await engine.pullImage(reference, say);
  await engine.markPulled(reference, deps.about.deployment);
}

/** A dev release comes from no registry: onto a gateway's own machine the engine beside the worker gives it. */
async function bringDevImage(deps: Deps, { place }: Gateway, release: Release): Promise<void> {
  await demandDevImage(deps, place, release);
  const saved = await deps.engineAt(besideWorker).saveImage(release.image);
  await deps.engineAt(place).loadImage(release.image, saved, say);
}

/** `Refused` where a dev release, which is missing on the engine of a place, cannot be brought there either. */
export async function demandDevImage(deps: Deps, place: Place, release: Release): Promise<void> {
  if (isMachine(place) && (await deps.engineAt(besideWorker).findImage(release.image))) return;
  throw missingDevImage(release);
}

const besideWorker: Place = { provider: 'local', host: 'local' };

/**
 * The image of a gateway's release, fetched by an earlier step; if its name has been removed since, the one that the
 * gateway's own container holds. When both are gone, `StartOver`.
 */
export async function releaseImageOf(deps: Deps, gateway: Gateway): Promise<Image> {
  const release = findRelease(await catalogueOf(deps), gateway.spec.release, gateway.spec.dev);
  const image = (await deps.engineAt(gateway.place).findImage(release.image)) ?? (await heldImage(deps, gateway));
  if (!image) throw new StartOver(`image ${release.image} is no longer on host ${gateway.place.host}`);
  return image;
}

/**
 * An image for reading and copying a state, which any prepared one can: the gateway's own release's, or another that
 * the host has. When it has none, `StartOver`, naming the remedy.
 */
export async function readerImageOf(deps: Deps, gateway: Gateway): Promise<Image> {
  const image = await findReader(deps, gateway);
  if (image) return image;
  const { mark, place, spec } = gateway;
  const line = candidates(await catalogueOf(deps), spec.release)[0];
  const remedy = line
    ? `Fetch one there (\`docker pull ${line.image}\`) and ask again`
    : 'Build one there (`scripts/bootstrap --release <version>`) and ask again';
  throw new StartOver(
    `no image of any release in the catalogue is on host ${place.host}, and the state of ${mark.gateway} is read by one. ${remedy}`,
  );
}

/** The same; undefined when the host has none. */
export async function findReader(deps: Deps, gateway: Gateway): Promise<Image | undefined> {
  const engine = deps.engineAt(gateway.place);
  const own = (line: Release) => line.version === gateway.spec.release;
  const catalogue = await catalogueOf(deps);
  for (const line of catalogue.filter(own)) {
    const image = (await engine.findImage(line.image)) ?? (await heldImage(deps, gateway));
    if (image) return image;
  }
  for (const line of catalogue) {
    const image = await engine.findImage(line.image);
    if (image) return image;
  }
  return undefined;
}

/**
 * Has an image for reading a state on the host, fetched if need be: of the gateway's own release if a registry has it.
 */
export async function fetchReader(deps: Deps, gateway: Gateway): Promise<void> {
  if (await findReader(deps, gateway)) return;
  let refused: Refused | undefined;
  for (const { image } of candidates(await catalogueOf(deps), gateway.spec.release)) {
    try {
      return await pull(deps, gateway.place, image);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refused ??= error;
    }
  }
  if (refused) throw refused;
}

/** The releases that can be pulled, the one on record first. */
function candidates(catalogue: Catalogue, release: string): Release[] {
  const lines = catalogue.filter(({ dev }) => !dev);
  return lines.toSorted((one, other) => Number(other.version === release) - Number(one.version === release));
}

/** The image of the gateway's container, set aside or not, when it is of the release on record. */
async function heldImage(deps: Deps, { mark, place, spec }: Gateway): Promise<Image | undefined> {
  const engine = deps.engineAt(place);
  for (const name of [names(mark).container, replacementNames(mark).former]) {
    const container = await engine.findContainer(name);
    if (!container || !carries(container.labels, mark)) continue;
    const image = await engine.findImage(container.imageId);
    if (image && readPrepared(image)?.version === spec.release) return image;
  }
  return undefined;
}

/**
 * Checks an image against its catalogue line and the channels it must serve (T12: a missing plugin ends the next
 * start).
 */
export function checkImage(release: Release, image: Image, gateway: Gateway): void {
  const prepared = readPrepared(image);
  if (prepared?.version !== release.version) {
    throw new Refused(
      `image ${release.image} says it is ${prepared?.version ?? 'no prepared release'}, the catalogue says ${release.version}. Correct the catalogue or prepare the image again`,
    );
  }
  const missing = gateway.spec.channels.filter(({ kind }) => !prepared.plugins.includes(kind)).map(({ kind }) => kind);
  if (missing.length > 0) {
    throw new Refused(
      `image ${release.image} lacks the plugin of channel ${missing.join(', ')} (it has: ${prepared.plugins.join(', ') || 'none'}). Name a release whose image carries it, or leave the channel out`,
    );
  }
}

/** A dev release is never fetched: it is built on the worker's machine. */
function missingDevImage(release: Release): Refused {
  return new Refused(
    `dev release ${release.version} is not on the engine (image ${release.image}). \`creel release add ${release.version}\` there makes it`,
  );
}
