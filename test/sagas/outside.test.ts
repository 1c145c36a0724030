import { describe, it } from 'vitest';
import { Saga } from '../../src/workflows/saga/saga.js';
import { outsideProofs } from './proofs/outside-proofs.js';

describe('from outside', () => {
  for (const { title, run } of outsideProofs(Saga)) it.concurrent(title, run);
});
