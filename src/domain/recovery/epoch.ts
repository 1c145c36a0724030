import type { Labels } from '../gateway/gateway.js';

/**
 * Which taking-over of a deployment a namespace is. Engines remember the highest number that has commanded them; the id
 * tells two namespaces apart that took over the same export.
 */
export type Epoch = {
  readonly number: number;
  readonly id: string;
  /** When the export was begun that it was taken over from: the same one again raises nothing. */
  readonly from?: string | undefined;
};

/** That of a deployment which was never taken over. */
export const firstEpoch: Epoch = { number: 1, id: 'first' };

/** What stands on an engine for an epoch: a volume without content, because a name can exist once (layout 1). */
export function epochVolume(
  deployment: string,
  { number, id }: Epoch,
): { readonly name: string; readonly labels: Labels } {
  return {
    name: epochVolumeName(deployment, number),
    labels: { [epochLabel]: String(number), [masterLabel]: id },
  };
}

/** The name of the volume of an epoch. */
export function epochVolumeName(deployment: string, number: number): string {
  return `creel-epoch-${deployment}-${number}`;
}

const epochLabel = 'creel.epoch';
export const masterLabel = 'creel.master';
