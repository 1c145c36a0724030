import { expect, test } from 'vitest';
import { doorLimits } from '../../src/adapters/door-limits.js';
import { defaultLimits } from '../../src/workflows/limits.js';
import { doPolicy, linkPolicy } from '../../src/workflows/policies.js';
import { beatsPerTimeout } from '../../src/worker/attempt-interceptor.js';
import { registry } from '../../src/workflows/steps.js';

test('a link may take as long as the door gives it, and there is room for the rest of the call', () => {
  const { linkMs, answerMs } = doorLimits;
  expect(linkPolicy(defaultLimits).startToCloseTimeout).toBeGreaterThan(linkMs + answerMs);
});

test('fetching an image beats every 30 s, and any other step often enough that its worker is missed within 8 s', () => {
  for (const [step, { pace }] of Object.entries(registry)) {
    const { heartbeatTimeout } = doPolicy(step, defaultLimits);
    if (pace === 'fetch') expect(Number(heartbeatTimeout) / beatsPerTimeout).toBe(30_000);
    else expect(heartbeatTimeout).toBeLessThanOrEqual(3_000);
  }
});
