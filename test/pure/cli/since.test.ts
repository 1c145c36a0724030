import { afterEach, expect, test, vi } from 'vitest';
import { sinceFrom } from '../../../src/cli/since.js';
import { refusal } from '../refusal.js';

const now = Date.parse('2026-11-29T12:00:00Z');
afterEach(() => vi.unstubAllEnvs());

test('a time without a zone is that of whoever reads a log, a date alone too', () => {
  vi.stubEnv('TZ', 'Asia/Kathmandu');
  expect(sinceFrom('2026-11-29', now)).toBe('2026-11-28T18:15:00.000Z');
  expect(sinceFrom('2026-11-29T00:00', now)).toBe('2026-11-28T18:15:00.000Z');
  expect(sinceFrom('2026-11-29T00:00:00.5', now)).toBe('2026-11-28T18:15:00.500Z');
});

test.each([
  ['2026-11-29T08:00:00Z', '2026-11-29T08:00:00.000Z'],
  ['2026-11-29T08:00+14:00', '2026-11-28T18:00:00.000Z'],
  ['2026-11-29T08:00-12:45', '2026-11-29T20:45:00.000Z'],
  ['2h', '2026-11-29T10:00:00.000Z'],
  ['3 days', '2026-11-26T12:00:00.000Z'],
  ['90 years', '1970-01-01T00:00:00.000Z'],
  ['0001-01-01', '1970-01-01T00:00:00.000Z'],
])('since %s is since %s', (text, time) => expect(sinceFrom(text, now)).toBe(time));

test.each(['2026-02-30', '2026-13-01', '2026-11-29T25:00Z', '2026-11-29 08:00', 'noon', ''])(
  'since %j is refused, and guessed at in no way',
  (text) => expect(refusal(() => sinceFrom(text, now))).toContain('--since'),
);
