import { expect, test } from 'vitest';
import { doorLimits } from '../../src/adapters/door-limits.js';
import { defaultLimits } from '../../src/workflows/limits.js';
import { linkPolicy } from '../../src/workflows/policies.js';

test('a link may take as long as the door gives it, and there is room for the rest of the call', () => {
  const { linkMs, answerMs } = doorLimits;
  expect(linkPolicy(defaultLimits).startToCloseTimeout).toBeGreaterThan(linkMs + answerMs);
});
