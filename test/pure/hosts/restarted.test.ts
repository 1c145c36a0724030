import { expect, it } from 'vitest';
import { restartedSince } from '../../../src/domain/hosts/restarted.js';

const provedAt = '2026-01-02T03:04:05.000Z';
const running = (startedAt: string) => ({ state: 'running', startedAt });

it.each([
  ['has run on since it was proved', running('2026-01-02T03:04:00.123456789Z'), 0, undefined],
  ['was started after that', running('2026-01-02T03:04:06Z'), 0, 'its container was started again'],
  ['only seems to, by an engine whose clock is an hour ahead', running('2026-01-02T04:04:00Z'), 3_600_000, undefined],
  [
    'was, by an engine whose clock is an hour behind',
    running('2026-01-02T02:04:06Z'),
    -3_600_000,
    'its container was started again',
  ],
  ['does not run', { state: 'exited', startedAt: '2026-01-02T03:04:00Z' }, 0, 'its container does not run (exited)'],
  ['is gone', undefined, 0, 'its container is gone'],
] as const)('a gateway whose container %s', (_what, container, aheadMs, found) => {
  expect(restartedSince(provedAt, { container, aheadMs })).toBe(found);
});
