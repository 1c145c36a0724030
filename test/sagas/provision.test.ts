import { describe } from 'vitest';
import { answeringSteps } from '../../src/workflows/provision/operation.js';
import { proveSaga } from './proofs/prove-saga.js';

describe('provision (S1-1, S4-3, S4-5, S4-16)', () => proveSaga(answeringSteps));
