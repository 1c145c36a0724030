import type { OperationInput, OperationResult } from '../../wire/operation.js';
import { runOperation } from '../saga/run-operation.js';

/** Begins a life: reads the list forward, or leaves nothing. */
export async function provision(input: OperationInput): Promise<OperationResult> {
  return runOperation(input, (saga) => saga.begin());
}

/** Reads the list over a life that exists: what is there is proved, what is missing is mended, nothing is ever removed. */
export async function repair(input: OperationInput): Promise<OperationResult> {
  return runOperation(input, (saga) => saga.repair());
}
