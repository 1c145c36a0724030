import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { schedulesBy } from '../../../src/domain/schedules/schedule.js';
import { emptyReport, driftText, withCompared } from '../../../src/domain/schedules/drift.js';
import { readSchedules } from '../../../src/settings/schedules.js';
import { refusal } from '../refusal.js';

function settings(text: string): NodeJS.ProcessEnv {
  const home = mkdtempSync(path.join(tmpdir(), 'creel-schedules-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const file = path.join(home, 'schedules.toml');
  writeFileSync(file, text);
  return { HOME: home, CREEL_SCHEDULES: file };
}

const listOf = (text: string) => {
  const { schedules, heartbeat } = readSchedules(settings(text));
  return schedulesBy(schedules, { heartbeat: heartbeat !== undefined });
};

describe('the declared list (K-3)', () => {
  test('has what people expect: no heartbeat without a URL, the rotation created paused and paused by a failure', () => {
    const list = listOf('');
    expect(list.map(({ name, when }) => [name, when])).toEqual([
      ['reconcile', { everyMs: 3_600_000 }],
      ['sweep', { cron: '0 1 * * *' }],
      ['export', { cron: '30 2 * * *' }],
      ['drift', { cron: '0 6 * * MON' }],
      ['rotation', { cron: '0 4 1 * *' }],
    ]);
    expect(list.filter((each) => each.createdPaused || each.pausesOnFailure)).toMatchObject([
      { name: 'sweep', createdPaused: false },
      { name: 'rotation', createdPaused: true, pausesOnFailure: true },
    ]);
    expect(listOf('[heartbeat]\nurl = "https://hc.example/x"')[0]).toMatchObject({
      name: 'heartbeat',
      when: { everyMs: 60_000 },
      jitterMs: 0,
    });
  });

  test('takes another time and an off from the settings, of each for itself', () => {
    const list = listOf('[export]\nevery = "6 hours"\n[drift]\noff = true\n[rotation]\ncron = "0  5 * * SUN"');
    expect(list.map(({ name, when }) => [name, when])).toEqual([
      ['reconcile', { everyMs: 3_600_000 }],
      ['sweep', { cron: '0 1 * * *' }],
      ['export', { everyMs: 6 * 3_600_000 }],
      ['rotation', { cron: '0 5 * * SUN' }],
    ]);
  });

  test.each([
    ['[exports]\nkeep = 3', /exports/],
    ['[export]\ncron = "daily"', /\[export\] cron "daily" is no cron line/],
    ['[export]\nevery = "soon"', /\[export\] every "soon" is not a duration/],
    ['[export]\nevery = "10 ms"', /\[export\] every is out of bounds/],
    ['[export]\nevery = "1 day"\ncron = "0 1 * * *"', /says both cron and every/],
    ['[export]\ndirectory = "here"', /directory must be an absolute path/],
    ['[heartbeat]\nurl = "ftp://x"', /url must be an http or https URL/],
    ['off =', /line 1: this is not TOML/],
  ])('%j is refused with the place and the fault', (text, fault) => {
    expect(refusal(() => readSchedules(settings(text)))).toMatch(fault);
  });

  test('a file that is named must be there; the usual one need not', () => {
    expect(refusal(() => readSchedules({ HOME: '/nowhere', CREEL_SCHEDULES: '/nowhere/s.toml' }))).toMatch(/s\.toml/);
    expect(readSchedules({ HOME: '/nowhere' }).exports).toEqual({
      directory: '/nowhere/.local/state/creel/exports',
      keep: 30,
    });
  });

  test('the URL of the heartbeat is shown by nobody', () => {
    expect(JSON.stringify(readSchedules(settings('[heartbeat]\nurl = "https://hc.example/abc"')))).not.toMatch(/abc/);
  });
});

describe('the report of drift (S2-39)', () => {
  const images = [{ engine: 'one', images: { '1': 'sha256:aaa', '2': 'sha256:bbb' } }];
  const catalogue = [{ version: '1' }, { version: '2' }];
  const compare = (...gateways: [release: string, engine: string, imageId?: string][]) =>
    gateways.reduce(
      (report, [release, engine, imageId], index) =>
        withCompared(report, { gateway: `g${index}`, release, engine, imageId }, catalogue, images),
      emptyReport,
    );

  test('names gateways on another image, and on a release that is on no record; the rest it counts', () => {
    const report = compare(
      ['1', 'one', 'sha256:aaa'],
      ['1', 'one', 'sha256:ccc'],
      ['3', 'one', 'x'],
      ['1', 'two', 'y'],
    );
    expect(report).toMatchObject({ gateways: 4, drifted: 2, unknown: 1 });
    expect(report.named.map(({ gateway }) => gateway)).toEqual(['g1', 'g2']);
    expect(driftText(report)).toMatch(/2 of 4 .*of 1 it is not known: g1: its image is ccc, and that of 1 is aaa now/);
  });

  test('of ten thousand it names some', () => {
    const all = Array.from({ length: 1_000 }, () => ['1', 'one', 'sha256:ccc'] as [string, string, string]);
    const report = compare(...all);
    expect(report.named).toHaveLength(20);
    expect(driftText(report)).toMatch(/and 980 more/);
  });
});
