import { describe, expect, test } from 'vitest';
import { diskFindings } from '../../../src/client/doctor/disk.js';
import { clockFinding, workerFindings, type Finding } from '../../../src/client/doctor/findings.js';
import { clockFailMs, clockWarnMs, freeDiskFloorBytes } from '../../../src/domain/thresholds.js';
import { scheduleFindings } from '../../../src/client/doctor/schedules.js';
import type { ListedSchedule } from '../../../src/client/deployment/schedules.js';
import type { Examined } from '../../../src/wire/examination.js';

const key = (id: string, state: 'current' | 'next' | 'retired') => ({ id, check: 'c', state });
const expected = { creel: '1.0.0', keys: [key('aaaaaaaa', 'retired'), key('bbbbbbbb', 'current')] };
const release = { version: '2026.9.6', dev: true, here: true };
const engine = { says: 'Docker 29.0.0', freeDiskBytes: freeDiskFloorBytes, releases: [release] };
const backup = { at: -3_600_000, keyIds: ['bbbbbbbb'], secretsChanged: false };
const well: Examined = { creel: '1.0.0', keyIds: ['bbbbbbbb'], backup, pager: true, clockMs: 5, temporalMs: 0, engine };

const judged = (told: Partial<Examined>, held = expected) => workerFindings('m1', { ...well, ...told }, held);
const about = (findings: readonly Finding[], what: string) => findings.find((each) => each.about === `${what} m1`);

test('a worker with which all is well is ok on every line, and no line has a cure', () => {
  const findings = judged({});
  expect(findings.map(({ about }) => about)).toEqual(
    ['worker on', 'key on', 'backup on', 'engine on', 'catalogue on', 'pager on', 'clock of'].map(
      (what) => `${what} m1`,
    ),
  );
  expect(findings.filter(({ is, cure }) => is !== 'ok' || cure !== undefined)).toEqual([]);
});

const cases: readonly (readonly [string, Partial<Examined>, Finding['is'], RegExp])[] = [
  ['worker on', { creel: '0.9.0' }, 'warn', /runs creel 0\.9\.0, and this is 1\.0\.0/],
  [
    'key on',
    { keyIds: ['aaaaaaaa'], backup: { ...backup, keyIds: ['aaaaaaaa'] } },
    'fail',
    /has aaaaaaaa, and not bbbbbbbb/,
  ],
  ['backup on', { backup: 'never' }, 'warn', /never backed up/],
  [
    'backup on',
    { backup: { ...backup, keyIds: ['aaaaaaaa'] } },
    'warn',
    /^of 1 hour ago, and without the key bbbbbbbb$/,
  ],
  ['backup on', { backup: { ...backup, secretsChanged: true } }, 'warn', /a secret has changed since/],
  ['engine on', { engine: { fails: 'no Docker engine answers' } }, 'fail', /no Docker engine answers/],
  ['engine on', { engine: { ...engine, freeDiskBytes: freeDiskFloorBytes - 1024 ** 2 } }, 'fail', / free$/],
  ['catalogue on', { engine: { ...engine, releases: [] } }, 'fail', /names no release/],
  ['catalogue on', { engine: { ...engine, releases: [{ ...release, here: false }] } }, 'warn', /^2026\.9\.6 was to be/],
  ['pager on', { pager: false }, 'warn', /there is none/],
  ['pager on', { paged: { fails: 'the pager at x answered 500' } }, 'fail', /answered 500/],
  ['clock of', { clockMs: clockWarnMs + 1 }, 'warn', /^5\.0 s before/],
  ['clock of', { clockMs: -clockFailMs - 1 }, 'fail', /^60\.0 s behind/],
];

describe('what is not well', () => {
  test.each(cases)('"%s" of %j is %s, with its cure, and nothing else is', (what, told, is, says) => {
    const findings = judged(told);
    expect(about(findings, what)).toEqual({
      about: `${what} m1`,
      is,
      says: expect.stringMatching(says),
      cure: expect.stringMatching(/./),
    });
    expect(findings.filter((each) => each.is !== 'ok')).toHaveLength(1);
  });
});

test('a release that a registry has need not be on the engine yet', () => {
  const releases = [{ ...release, dev: false, here: false }];
  expect(about(judged({ engine: { ...engine, releases } }), 'catalogue on')).toMatchObject({
    is: 'ok',
    says: '2026.9.6 (to be fetched when it is asked for)',
  });
});

test('while a key is replaced, a worker needs both', () => {
  const both = { ...expected, keys: [...expected.keys, key('cccccccc', 'next')] };
  expect(about(judged({}, both), 'key on')).toMatchObject({ is: 'fail', says: expect.stringContaining('cccccccc') });
  expect(about(judged({ keyIds: ['cccccccc', 'bbbbbbbb'] }, both), 'key on')).toMatchObject({ is: 'ok' });
});

test('a worker of an older creel, which does not say when its keys were backed up, is not doubted', () => {
  const { backup: _unsaid, ...older } = well;
  expect(about(workerFindings('m1', older, expected), 'backup on')).toBeUndefined();
});

test.each([-clockWarnMs, 0, clockWarnMs])('a clock that is %i ms away is well', (apart) => {
  expect(clockFinding('clock', apart)).toMatchObject({ is: 'ok' });
});

describe('the states of an engine, of which some have a limit (S0-34)', () => {
  const gb = 1024 ** 3;
  const limited = ['g1', 'g2', 'g3'].map((gateway) => ({ gateway, birth: '7k3fq2', diskMb: 10_240 }));
  const told = (freeGb: number, ...bytes: (number | undefined)[]): Examined => ({
    ...well,
    engine: { ...engine, freeDiskBytes: freeGb * gb },
    states: bytes.map((each, index) => ({ gateway: `g${index + 1}`, ...(each !== undefined && { bytes: each * gb }) })),
  });

  test('are well while none is past 90 % and the disk holds what they may take', () => {
    expect(diskFindings('m1', limited, told(30, 1, 2, 8.9))).toEqual([
      { about: 'disk on m1', is: 'ok', says: '3 states may take 30.0 GB and take 11.9 GB' },
    ]);
    expect(diskFindings('m1', [], told(1))).toEqual([]);
  });

  test('are named with the cure where they are past 90 %, or over', () => {
    const [, ninety, over] = diskFindings('m1', limited, told(30, 9, 2, 10.5));
    expect(ninety).toMatchObject({ about: 'state of g1', is: 'warn', says: '9.0 GB of 10 GB' });
    expect(over).toMatchObject({
      about: 'state of g3',
      says: '10.5 GB of 10 GB: over, and no upgrade is taken until it is not',
    });
    expect(over?.cure).toContain('`creel change g3 --disk …`');
  });

  test('are promised more than the disk has, which is said with the numbers', () => {
    expect(diskFindings('m1', limited, told(20, 1, 2, 8))).toMatchObject([
      {
        is: 'warn',
        says: '3 states may take 30.0 GB and take 11.0 GB; 20.0 GB are free, and they may take 19.0 GB more',
      },
    ]);
    expect(diskFindings('m1', limited, told(21, 1, 2, 8))).toMatchObject([{ is: 'ok' }]);
  });

  test('that could not be counted are said to be so, and count as empty', () => {
    const { states: _unsaid, ...older } = told(40);
    for (const each of [told(40, undefined, undefined, undefined), older])
      expect(diskFindings('m1', limited, each)).toMatchObject([
        { is: 'ok', says: expect.stringContaining('(3 not counted') },
      ]);
  });

  test('are named up to twenty, and the rest counted', () => {
    const many = Array.from({ length: 25 }, (_, index) => ({
      gateway: `g${index + 1}`,
      birth: '7k3fq2',
      diskMb: 1024,
    }));
    const findings = diskFindings('m1', many, told(40, ...many.map(() => 2)));
    expect(findings).toHaveLength(22);
    expect(findings.at(-1)?.says).toContain('and 5 more');
  });
});

describe('what creel does by itself (K-3)', () => {
  const now = Date.parse('2026-11-29T12:00:00Z');
  const ago = (ms: number) => new Date(now - ms).toISOString();
  const hour = 3_600_000;
  const ran = (how: string, ms = hour) => ({ at: ago(ms), workflowId: 'scheduled/x-1', how });
  const schedule = (name: string, more: Partial<ListedSchedule>): ListedSchedule => ({
    name,
    does: '',
    when: '',
    paused: false,
    failed: false,
    note: undefined,
    last: ran('completed'),
    next: new Date(now + hour).toISOString(),
    missed: 0,
    ...more,
  });

  test('is well where runs come and go, also where a person or nobody has let it begin', () => {
    const byHand = { paused: true, note: 'paused by somebody', next: undefined };
    expect(
      scheduleFindings(
        [schedule('sweep', {}), schedule('drift', { last: undefined }), schedule('rotation', byHand)],
        now,
      ),
    ).toEqual([
      { about: 'schedules', is: 'ok', says: '3 of 3 as they should be; paused, because somebody wanted it: rotation' },
    ]);
    expect(scheduleFindings([], now)).toMatchObject([{ is: 'ok', says: expect.stringContaining('there is none') }]);
  });

  test.each([
    [{ paused: true, failed: true, note: 'paused due to workflow failure: x' }, /^paused, because a run of it failed/],
    [{ last: ran('failed') }, /^its last run, of .*, failed \(scheduled\/x-1\)$/],
    [{ last: ran('timed out') }, /timed out/],
    [{ last: ran('running', 7 * hour) }, /^its run has not ended for 7 hours$/],
    [{ next: ago(hour) }, /^a run was due 1 hour ago$/],
  ] as const)('is named with its cure where it is not: %j', (more, says) => {
    expect(scheduleFindings([schedule('sweep', more)], now)).toEqual([
      {
        about: 'schedule sweep',
        is: 'warn',
        says: expect.stringMatching(says),
        cure: expect.stringMatching(/./),
      },
    ]);
  });

  test('counts a heartbeat that runs for minutes as one that nobody hears, and no rotation as too long', () => {
    const running = { last: ran('running', 6 * 60_000) };
    const findings = scheduleFindings(
      [schedule('heartbeat', running), schedule('rotation', { last: ran('running', 90 * hour) })],
      now,
    );
    expect(findings.map(({ about, is }) => [about, is])).toEqual([
      ['schedules', 'ok'],
      ['schedule heartbeat', 'warn'],
    ]);
  });
});
