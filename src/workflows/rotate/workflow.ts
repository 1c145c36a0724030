import { rotationMs } from '../../domain/thresholds.js';
import type { OperationInput, OperationResult } from '../../wire/operation.js';
import { runOperation } from '../saga/run-operation.js';

/** Puts the next generation of the gateway token in force and proves it, or goes back to the one on record (S3-24). */
export async function rotateToken(input: OperationInput): Promise<OperationResult> {
  return runOperation(input, (saga) => saga.change(input.limits.rotationMs ?? rotationMs));
}

/** Undoes a change whose run was lost: every step of it counts as entered. */
export async function wayBack(input: OperationInput): Promise<OperationResult> {
  return runOperation(input, (saga) => saga.cleanUp());
}
