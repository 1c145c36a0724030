import type { Labels } from '../gateway/gateway.js';

/** Into which volume is written. */
export type Way = 'save' | 'restore';

/** On a container that stands for the copier: which way it copies, or that it only measures. */
export const wayLabel = 'creel.copy';
/** The volume that is copied from. */
export const sourceLabel = 'creel.copy.from';
/** The way of a container that only measures a state. */
export const measuring = 'measure';

/** A copier says which way it goes, from where, and for which replacement (its other labels): whoever asks for another copy tells it apart. */
export function copierLabels(way: Way, labels: Labels, source: string): Labels {
  return { ...labels, [wayLabel]: way, [sourceLabel]: source };
}

/** Whether a container copies now: only another copy may end it. */
export function isCopying({ labels, state }: Pick<FoundCopier, 'labels' | 'state'>): boolean {
  return ['save', 'restore'].includes(labels[wayLabel] ?? '') && !['created', 'exited'].includes(state);
}

/** A container that is found under the copier's name. */
export type FoundCopier = { readonly labels: Labels; readonly state: string; readonly sameCommand: boolean };

/**
 * What to do about a container found under the copier's name: `join` it when it makes exactly the copy that is asked for (or has
 * made it, and nobody has taken the answer); `end` what was never started, is over, or is of no use to anybody any more;
 * `wait` for any other. A restore ends whatever runs: it writes the whole volume from the top, so nothing that another copy would
 * still do matters, and the one that was cut off is known by the mark in the volume.
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
