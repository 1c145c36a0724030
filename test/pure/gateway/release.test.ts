import { describe, expect, test } from 'vitest';
import { readPrepared } from '../../../src/domain/release/image.js';
import {
  compareReleases,
  findRelease,
  releaseImage,
  releaseVersion,
  type Catalogue,
} from '../../../src/domain/release/release.js';
import { refusal } from '../refusal.js';

const digest = `registry.example/openclaw@sha256:${'0a'.repeat(32)}`;

describe('a release version', () => {
  test.each(['2026.9.6', '2026.6.11', '2026.12.31', '2026.9.6-beta.1'])('may be %s', (version) => {
    expect(releaseVersion(version)).toBe(version);
  });

  test.each(['latest', 'stable', '2026.9', 'v2026.9.6', '2026.9.x', '^2026.9.6', '2026.9.6 ', '', 2026, undefined])(
    'is refused as %j: two gateways of one spec would differ',
    (version) => {
      expect(refusal(() => releaseVersion(version))).toContain('For example: 2026.9.6');
    },
  );
});

test.each([
  ['2026.9.6', '2026.9.6', 0],
  ['2026.9.6', '2026.10.1', -1],
  ['2026.10.1', '2026.9.30', 1],
  ['2027.1.1', '2026.12.31', 1],
  ['2026.9.6-beta.1', '2026.9.6', 0],
])('release %s against %s', (one, other, sign) => {
  expect(Math.sign(compareReleases(one, other))).toBe(sign);
});

describe('the image of a release', () => {
  test('is a digest (S0-21, S2-39), or any image for a dev release', () => {
    expect(releaseImage(digest, false)).toBe(digest);
    expect(releaseImage('creel/openclaw:2026.9.6', true)).toBe('creel/openclaw:2026.9.6');
  });

  test.each([
    'openclaw:2026.9.6',
    'openclaw',
    `openclaw@sha256:${'0a'.repeat(31)}`,
    `openclaw@sha1:${'0a'.repeat(20)}`,
    '',
  ])('is refused as %j', (image) => {
    expect(refusal(() => releaseImage(image, false))).toContain('is not pinned: write repository@sha256:…');
  });
});

describe('the catalogue', () => {
  const catalogue: Catalogue = [
    { version: '2026.6.11', image: digest, dev: false },
    { version: '2026.9.6', image: 'creel/openclaw:2026.9.6', dev: true },
  ];

  test('gives the line of a version', () => {
    expect(findRelease(catalogue, '2026.6.11', false).image).toBe(digest);
    expect(findRelease(catalogue, '2026.9.6', true).dev).toBe(true);
  });

  test('refuses a version that it lacks, naming those it has', () => {
    expect(refusal(() => findRelease(catalogue, '2026.9.7', true))).toContain('2026.6.11, 2026.9.6');
    expect(refusal(() => findRelease([], '2026.9.7', true))).toMatch(
      /\(it has none\)\. `creel release add 2026\.9\.7 --image …` puts it there for all workers$/,
    );
  });

  test('refuses a dev release where the spec does not take one', () => {
    expect(refusal(() => findRelease(catalogue, '2026.9.6', false))).toMatch(/dev = true \(`--dev` at/);
  });
});

describe('a prepared image', () => {
  test('says what the recipe baked in', () => {
    const labels = { 'creel.release': '2026.9.6', 'creel.plugins': 'telegram,slack', 'creel.capabilities': '' };
    expect(readPrepared({ id: 'sha256:1', labels })).toEqual({
      version: '2026.9.6',
      plugins: ['telegram', 'slack'],
      capabilities: [],
      schemas: {},
    });
  });

  test('is none without the label of its release', () => {
    expect(readPrepared({ id: 'sha256:1', labels: { 'creel.plugins': 'telegram' } })).toBeUndefined();
  });
});
