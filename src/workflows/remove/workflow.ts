import { leaveBehind } from '../record/forsaken.js';
import type { OperationInput, OperationResult } from '../../wire/operation.js';
import { runOperation } from '../saga/run-operation.js';

/** Undoes every step that was ever entered in a life, newest first; kept state is on its list only when it is to go. */
export async function cleanUp(input: OperationInput): Promise<OperationResult> {
  if (input.gone) return runOperation(input, () => leaveBehind(input));
  return runOperation(input, (saga) => saga.cleanUp());
}
