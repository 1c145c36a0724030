import { expect, test } from 'vitest';
import { checkText, releaseList } from '../../../src/cli/show/deployment/releases.js';
import type { KnownRelease } from '../../../src/client/deployment/releases.js';

const release: KnownRelease = { version: '2026.9.6', image: 'i', dev: true, recorded: true, gateways: 0, workers: [] };
const on = (...workers: KnownRelease['workers']) => [{ ...release, workers }];

test('a list says where an image is as far as workers have said it', () => {
  expect(releaseList([release], [])).toBe(
    '2026.9.6  i  dev  on record; no worker says where its image is; 0 gateways\n',
  );
  expect(releaseList([{ ...release, gateways: 1 }], [])).toMatch(/; 1 gateway\n/);
  expect(releaseList(on({ host: 'm1', here: false }), [])).toContain('; its image is on no engine yet; ');
  expect(releaseList(on({ host: 'm1', here: false }), ['m2'])).toContain('; its image is not yet on m1; ');
  expect(releaseList(on({ host: 'm1', here: true }), ['m2'])).toContain('; its image is on m1; ');
  const channels = ['discord', 'telegram'];
  expect(releaseList(on({ host: 'm1', here: true, channels }, { host: 'm2', here: true, channels: [] }), [])).toContain(
    '; its image is on m1 (channels: discord, telegram), m2 (channels: none); ',
  );
  expect(releaseList([], ['m2'])).toBe(
    'the worker on m2 does not say what it has\nThere is none. `creel release add` adds one.\n',
  );
});

test('a look upstream names the machines whose workers did not say what they know', () => {
  const newer = [{ version: '2026.9.30', latest: true, failures: 0 }];
  expect(checkText({ newest: '2026.9.6', newer, bad: [] }, ['m2'])).toBe(
    'the newest that is known here is 2026.9.6\n2026.9.30 (latest) is newer\nthe worker on m2 does not say what it has\n',
  );
});
