import type { OperationInput, OperationResult } from '../../wire/operation.js';
import { runOperation } from '../saga/run-operation.js';

/**
 * Replaces a gateway's container, and lets the previous one go only when the new one is proved. It has no deadline of its
 * own: each step has its limit, and time in which nobody works counts for nothing.
 */
export async function replaceContainer(input: OperationInput): Promise<OperationResult> {
  return runOperation(input, (saga) => saga.change());
}

/** Gives the container that there is another spec: its channels, or only what is on record. */
export async function reconfigureGateway(input: OperationInput): Promise<OperationResult> {
  return runOperation(input, (saga) => saga.change());
}

/** Lets go of the saved states that nobody goes back to any more. */
export async function dropSnapshot(input: OperationInput): Promise<OperationResult> {
  return runOperation(input, (saga) => saga.change());
}
