import type { OperationInput, OperationResult } from '../wire/operation.js';
import { mannerOf, registry } from './operations.js';
import { takeUpLost } from './provision/take-up.js';
import { leaveBehind } from './remove/forsaken.js';
import { asidesOf } from './remove/operation.js';
import { runOperation } from './saga/run-operation.js';

/** Begins a life: reads the list forward, or leaves nothing. */
export async function provision(input: OperationInput): Promise<OperationResult> {
  return runOperation(registry, input, (saga) => saga.begin());
}

/** Reads the list over a life that exists: proves what it finds, mends what is missing, removes nothing. */
export async function repair(input: OperationInput): Promise<OperationResult> {
  return runOperation(registry, input, (saga) => saga.repair());
}

/** Goes on with a life whose record was lost: finds out what it holds, then repairs it like any other. */
export async function takeUp(input: OperationInput): Promise<OperationResult> {
  return takeUpLost(registry, input);
}

/** Undoes every step that was ever entered in a life, newest first; kept state is on its list only when it is to go. */
export async function cleanUp(input: OperationInput): Promise<OperationResult> {
  if (input.gone) return runOperation(registry, input, () => leaveBehind(registry, input));
  return runOperation(registry, input, (saga) => saga.cleanUp(asidesOf(input)));
}

/** Runs a change of a living gateway as it is declared: done within its limit, or taken back. */
export async function runChange(input: OperationInput): Promise<OperationResult> {
  return runOperation(registry, input, (saga) => saga.change(mannerOf(input)));
}

/** Undoes a change whose run was lost: every step of it counts as entered. */
export async function wayBack(input: OperationInput): Promise<OperationResult> {
  return runOperation(registry, input, (saga) => saga.cleanUp());
}
