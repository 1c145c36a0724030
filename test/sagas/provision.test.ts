import { describe } from 'vitest';
import { provisionSteps } from '../../src/workflows/steps.js';
import { proveSaga } from '../prove-saga.js';

describe('provision', () => proveSaga(provisionSteps));
