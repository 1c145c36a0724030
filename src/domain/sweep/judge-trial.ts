import { trialGraceMs } from '../thresholds.js';

/** A container or a network by which somebody tried the fence of an engine's host. */
export type TrialThing = {
  readonly kind: 'container' | 'network';
  readonly name: string;
  /** The engine's own id. */
  readonly id: string;
  /** When it was made (epoch ms), by the engine's clock. */
  readonly createdAt: number;
};

/**
 * Why things go that tried the fence under a deployment; undefined while any of them may be of a trial that goes on.
 * They hold nothing, are made for a minute, and carry the deployment in a label that nothing else has.
 */
export function whyTrialGoes(all: readonly TrialThing[], now: number): string | undefined {
  const last = Math.max(...all.map(({ createdAt }) => createdAt));
  if (all.length === 0 || now - last < trialGraceMs) return undefined;
  return `a trial of the fence that was cut short left it: the last of its things is of ${new Date(last).toISOString()}`;
}
