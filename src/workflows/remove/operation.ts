import type { Living } from '../../domain/gateway/life.js';
import type { OperationInput } from '../../wire/operation.js';
import type { Operation } from '../record/operation.js';
import { roomStep } from '../replace/operation.js';
import type { Asides } from '../saga/saga.js';
import type { StepsTaking } from '../saga/step.js';

/** What a removal that keeps the state does beside undoing: before it, where saved states may lie, and after it. */
const rows = {
  'fetch reader': { do: 'ensureReader', pace: 'fetch' }, // an image is shared between gateways
  'read kept': { do: 'findKept', pace: 'act' }, // only reads
} as const satisfies StepsTaking<Living>;

/** Ends a life: undoes every step that was ever entered, newest first. */
export const remove: Operation = {
  kind: 'remove',
  workflow: 'cleanUp',
  phase: 'removing',
  steps: rows,
  next: { done: () => [], left: (id) => `creel remove ${id}` },
};

/** Lets go of the state that a removal kept. */
export const purge: Operation = { ...remove, kind: 'purge' };

/** Takes back a change whose run was lost, or whose way back did not come to its end. */
export const wayBack: Operation = {
  kind: 'way-back',
  workflow: 'wayBack',
  phase: 'repairing',
  steps: {},
  next: { done: () => [] },
};

/** What such a removal does beside undoing the steps of its list. */
export function asidesOf({ keeps, entered }: Pick<OperationInput, 'keeps' | 'entered'>): Asides {
  if (!keeps) return {};
  const mayHaveSaved = entered.some(({ step }) => step === roomStep);
  return { ...(mayHaveSaved && { before: 'fetch reader' }), after: 'read kept' };
}
