import { StartOver } from '../domain/errors.js';
import type { Gateway } from '../domain/gateway.js';
import type { Image } from '../domain/image.js';
import { findRelease } from '../domain/release.js';
import type { Deps } from './deps.js';
import { checkImage, missingDevImage, runs } from './host.js';
import { say } from './sentence.js';

/** The release's image is on the host, pulled by digest if need be, and is what the catalogue says. Gateways share it; one that runs has it. */
export const ensureRelease = (deps: Deps) =>
  async function ensureRelease(gateway: Gateway): Promise<void> {
    if (await runs(deps, gateway)) return;
    const engine = deps.engineAt(gateway.place);
    const release = findRelease(deps.catalogue, gateway.spec.release, gateway.spec.dev);
    if (!(await engine.findImage(release.image))) {
      if (release.dev) throw missingDevImage(release);
      await engine.pullImage(release.image, say);
    }
    checkImage(release, await releaseImageOf(deps, gateway), gateway);
  };

/** The image of a gateway's release, fetched by an earlier step; when it is gone, `StartOver`. */
export async function releaseImageOf(deps: Deps, gateway: Gateway): Promise<Image> {
  const release = findRelease(deps.catalogue, gateway.spec.release, gateway.spec.dev);
  const image = await deps.engineAt(gateway.place).findImage(release.image);
  if (!image) throw new StartOver(`image ${release.image} is no longer on host ${gateway.place.host}`);
  return image;
}
