import { expect, test } from 'vitest';
import { doorLimits } from '../../../src/adapters/openclaw/limits.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { doPolicy, linkPolicy, queueOf } from '../../../src/workflows/saga/policies.js';
import { beatsPerTimeout } from '../../../src/worker/attempt-interceptor.js';
import { registry } from '../../../src/workflows/operations.js';

test('a link may take as long as the door gives it, and there is room for the rest of the call', () => {
  const { linkMs, answerMs } = doorLimits;
  expect(linkPolicy(defaultLimits).startToCloseTimeout).toBeGreaterThan(linkMs + answerMs);
});

test('fetching an image beats every 30 s, and any other step often enough that its worker is missed within 8 s', () => {
  for (const step of Object.values(registry)) {
    const { pace, waits } = step;
    const { heartbeatTimeout } = doPolicy(step, defaultLimits);
    if (waits) continue;
    if (pace === 'fetch') expect(Number(heartbeatTimeout) / beatsPerTimeout).toBe(30_000);
    else expect(heartbeatTimeout).toBeLessThanOrEqual(3_000);
  }
});

test('what waits for a device waits where nobody’s work does, beats seldom, and holds up no cancellation', () => {
  const place = { provider: 'local', host: 'local', engine: 'engine-one' } as const;
  const waits = Object.keys(registry).filter((step) => registry[step]?.waits);
  expect(waits).toEqual(['await request', 'await device']);
  for (const step of waits) {
    expect(doPolicy(registry[step], defaultLimits)).toMatchObject({
      heartbeatTimeout: 60_000,
      cancellationType: 'TRY_CANCEL',
    });
    expect(registry[step]?.undo).toBeUndefined();
    expect(queueOf(registry[step], place)).toEqual({ taskQueue: 'creel@engine-one/waits' });
  }
  expect(queueOf(registry['start container'], place)).toEqual({ taskQueue: 'creel@engine-one' });
});

test('what an older version began stays on the queue and under the limits that it began with', () => {
  const { waitHeartbeatMs: _later, ...older } = defaultLimits;
  expect(doPolicy(registry['await request'], older)).toMatchObject({ cancellationType: 'WAIT_CANCELLATION_COMPLETED' });
  for (const step of Object.values(registry)) expect(queueOf(step, { provider: 'local', host: 'local' })).toEqual({});
});
