import { describe, expect, test } from 'vitest';
import { judge, type FailedUpgrade } from '../../../src/domain/release/upstream.js';

const failed = (release: string, gateway: string, day: number): FailedUpgrade => ({
  release,
  gateway,
  at: `2026-09-0${day}T00:00:00.000Z`,
  reason: `await replacement: ${gateway}`,
});
const upstream = {
  versions: ['2026.6.11', '2026.9.6', '2026.9.7-beta.1', '2026.9.7', '2026.10.1-2', '2026.10.1', '2026.10.2-rc.1'],
  latest: '2026.10.1',
};
const versionsOf = (judged: readonly { version: string }[]) => judged.map(({ version }) => version);

describe('a look upstream', () => {
  test('says what is newer than the newest that is known, newest first and without trial versions', () => {
    const check = judge(upstream, ['2026.6.11', '2026.9.6'], []);
    expect(check.newest).toBe('2026.9.6');
    expect(versionsOf(check.newer)).toEqual(['2026.10.1-2', '2026.10.1', '2026.9.7']);
    expect(check.newer.map(({ latest }) => latest)).toEqual([false, true, false]);
    expect(check.bad).toEqual([]);
  });

  test('has nothing to say where the newest is known, and everything where nothing is', () => {
    expect(judge(upstream, ['2026.10.1'], []).newer).toEqual([]);
    const none = judge(upstream, [], []);
    expect(none).not.toHaveProperty('newest');
    expect(none.newer).toHaveLength(5);
  });

  test('says of which of them upgrades went back here, how often, and how the last one did', () => {
    const times = [failed('2026.9.7', 'b', 3), failed('2026.9.7', 'a', 2), failed('2026.9.6', 'c', 1)];
    const { newer, bad } = judge(upstream, ['2026.9.6'], times);
    expect(newer.find(({ version }) => version === '2026.9.7')).toMatchObject({ failures: 2, last: { gateway: 'b' } });
    expect(newer.find(({ version }) => version === '2026.10.1')).toEqual({
      version: '2026.10.1',
      latest: true,
      failures: 0,
    });
    expect(bad).toMatchObject([{ version: '2026.9.6', failures: 1, last: { gateway: 'c' } }]);
  });
});
