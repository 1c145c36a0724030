import type { Labels } from '../gateway/gateway.js';

/** The direction of a copy, named by the volume it writes: the saved state, or the gateway's own. */
export type Way = 'save' | 'restore';

/** On the container under a copier's name: the direction of its copy, or that it only measures. */
export const wayLabel = 'creel.copy';
/** The volume that is copied from. */
export const sourceLabel = 'creel.copy.from';
/** The direction of a container that only measures a state. */
export const measuring = 'measure';

/**
 * A copier carries its direction, its source, and (in its other labels) its replacement, so that it is told apart from
 * any other copy.
 */
export function copierLabels(way: Way, labels: Labels, source: string): Labels {
  return { ...labels, [wayLabel]: way, [sourceLabel]: source };
}

/** Whether a container is copying now: only another copy may end it. */
export function isCopying({ labels, state }: Pick<FoundCopier, 'labels' | 'state'>): boolean {
  return ['save', 'restore'].includes(labels[wayLabel] ?? '') && !['created', 'exited'].includes(state);
}

/** A container found under the copier's name. */
export type FoundCopier = { readonly labels: Labels; readonly state: string; readonly sameCommand: boolean };

/**
 * What to do about a container under the copier's name. `join` when it makes exactly this copy (or has made it, and
 * nobody has taken the answer); `end` when it was never started, is over, or is no longer of use; `wait` for any other.
 * A restore ends whatever runs: it writes the whole volume from the top, so nothing that another copy would still do
 * matters, and a copy that was cut off is known by the mark in the volume.
 */
export function meetCopier(
  found: FoundCopier | undefined,
  way: Way,
  wanted: Labels,
): 'begin' | 'join' | 'end' | 'wait' {
  if (!found) return 'begin';
  if (found.state === 'created') return 'end';
  const same = Object.entries(wanted).every(([key, value]) => found.labels[key] === value);
  if (same && found.sameCommand) return 'join';
  const useless = found.state === 'exited' || found.labels[wayLabel] === measuring;
  return useless || way === 'restore' ? 'end' : 'wait';
}
