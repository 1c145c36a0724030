import { it } from 'vitest';
import { Saga } from '../../../src/workflows/saga/saga.js';
import type { TestWorld } from '../../world/open-test-world.js';
import { sagaProofs, type SagaGround } from './saga-proofs.js';

/** Proves a list of steps, side by side: the whole test of an operation. */
export function proveSaga(steps: readonly string[], ground?: (world: TestWorld) => SagaGround): void {
  for (const { title, run } of sagaProofs(steps, Saga, ground)) it.concurrent(title, run);
}
