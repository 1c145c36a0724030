import { it } from 'vitest';
import { Saga } from '../../../src/workflows/saga/saga.js';
import { sagaProofs } from './saga-proofs.js';

/** Proves a list of steps, side by side: the whole test of an operation. */
export function proveSaga(steps: readonly string[]): void {
  for (const { title, run } of sagaProofs(steps, Saga)) it.concurrent(title, run);
}
