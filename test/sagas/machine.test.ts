import { describe } from 'vitest';
import { stepsFor } from '../../src/workflows/provision/operation.js';
import { machineGround, testMachine } from './proofs/machine-ground.js';
import { proveSaga } from './proofs/prove-saga.js';

describe('a provision with a machine of its own (S1-1, K-1)', () =>
  proveSaga(stepsFor({ machine: testMachine }), machineGround));
