import { it } from 'vitest';
import { changeProofs, type ChangeUnderProof } from './change-proofs.js';

/** Proves a change of a living gateway: the whole saga test of such an operation. */
export function proveChange(proved: ChangeUnderProof): void {
  for (const { title, run } of changeProofs(proved)) it.concurrent(title, run);
}
