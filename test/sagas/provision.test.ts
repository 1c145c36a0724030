import { describe } from 'vitest';
import { provisionSteps } from '../../src/workflows/operations.js';
import { proveSaga } from '../prove-saga.js';

describe('provision (S1-1, S4-3, S4-5, S4-16)', () => proveSaga(provisionSteps));
