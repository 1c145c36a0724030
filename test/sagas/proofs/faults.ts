import type { Fault, FaultPlan } from './virtual-runtime.js';

export const noFault: FaultPlan = () => undefined;

export const everyAttempt = () => true;
const firstAttempt = (attempt: number) => attempt === 1;

/** A fault in one step, in its first attempt unless told otherwise. */
export function at(
  step: string,
  doing: 'do' | 'undo',
  fault: Fault,
  when: (attempt: number) => boolean = firstAttempt,
): FaultPlan {
  return (asked, kind, attempt) => (asked === step && kind === doing && when(attempt) ? fault : undefined);
}
