import { readPrepared, type Image } from '../release/image.js';
import { imageGraceMs } from '../thresholds.js';
import type { Owner } from './owner.js';

/** An image that creel pulled onto an engine, by the mark that it left there. */
export type PulledImage = Image & {
  /** When it was pulled (epoch ms), by the clock of whoever pulled it. */
  readonly pulledAt: number;
  /** A container is of it, running or not. */
  readonly isUsed: boolean;
};

/**
 * Why an image goes that creel pulled; undefined when it stays. It goes only where every gateway of its engine has a
 * record that answers, none of them is at anything, and none is on that release or goes back to it.
 */
export function whyImageGoes(image: PulledImage, owners: readonly Owner[], now: number): string | undefined {
  const release = readPrepared(image)?.version;
  if (release === undefined || image.isUsed || now - image.pulledAt < imageGraceMs) return undefined;
  for (const owner of owners) {
    if (owner.is === 'unknown' || owner.is === 'ended' || owner.busy) return undefined;
    if (owner.is === 'removed' && owner.stateGoes && !owner.left) continue;
    if (owner.releases === undefined || owner.releases.includes(release)) return undefined;
  }
  return `creel pulled it, and no gateway there is on release ${release} or goes back to it`;
}
