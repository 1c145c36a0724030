import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { channelsOff } from '../../../src/domain/channels/config.js';
import { refusedKeys, saysConfigRefused, takingOut, trialMs } from '../../../src/domain/changes/rehearsal.js';

/** As 2026.9.6 words it of a config of 2026.6.11. */
const log = `2026-11-28T00:23:44.907+00:00 Gateway failed to start: Invalid config at /home/node/.openclaw/openclaw.json:
openclaw.json:60 — meta: Unrecognized key: "lastTouchedAt"
openclaw.json:47 — agents.defaults: Unrecognized key: "memorySearch"`;

describe('the keys that a start refuses', () => {
  test('are named as they are taken out', () => {
    expect(refusedKeys(log)).toEqual(['meta.lastTouchedAt', 'agents.defaults.memorySearch']);
    expect(refusedKeys('ready')).toEqual([]);
  });

  test('are taken out by a command that a shell takes for nothing else, or by none', async () => {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'creel-keys-')), 'openclaw.json');
    fs.writeFileSync(file, JSON.stringify({ note: 1, stays: { 'a-b': 1, list: [{ gone: 1 }], kept: 2 } }));
    await execa('bash', ['-c', takingOut(file, ['note', 'stays.a-b', 'stays.list[0].gone']) ?? '']);
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual({ stays: { list: [{}], kept: 2 } });
    for (const key of [`a'; rm -rf /; '`, 'a b', '$(id)', 'a"b'])
      expect(takingOut(file, ['note', key])).toBeUndefined();
    fs.rmSync(path.dirname(file), { recursive: true });
  });

  test('are the ones that nobody knows, where there are such', () => {
    expect(refusedKeys(`${log}\n<root>: Unrecognized keys: "customerNotes", "more"`)).toEqual([
      'customerNotes',
      'more',
    ]);
  });

  test('are also refused by an older release, which ends as after any crash', () => {
    expect(
      saysConfigRefused('Gateway failed to start: Invalid config at /x/openclaw.json.\n<root>: Invalid input'),
    ).toBe(true);
    expect(saysConfigRefused('state lease heartbeat did not become ready')).toBe(false);
  });
});

test('a trial has its known channels off, and leaves others for the gateway to judge', () => {
  const text = JSON.stringify({ channels: { telegram: { enabled: true }, discord: { enabled: true } } });
  expect(JSON.parse(channelsOff(text, ['telegram']))).toEqual({
    channels: { telegram: { enabled: false }, discord: { enabled: true } },
  });
});

test('a trial may take twice as long as the start that it stands for, and five minutes at most', () => {
  expect([trialMs(90_000), trialMs(330_000)]).toEqual([180_000, 300_000]);
});
