import type { Client } from '@temporalio/client';
import { array, assert, boolean, integer, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findDeployment } from '../../../src/client/deployment/hold-deployment.js';
import { releasesNamed } from '../../../src/client/deployment/releases.js';
import { knownReleases, withoutRelease, withRelease } from '../../../src/domain/release/recorded.js';
import type { Catalogue, Release } from '../../../src/domain/release/release.js';
import { releasesLength } from '../../../src/domain/thresholds.js';
import type { Description } from '../../../src/wire/description.js';
import { refusal } from '../refusal.js';

const digest = `registry.example/openclaw@sha256:${'a'.repeat(64)}`;
const line = (version: string, more: Partial<Release> = {}): Release => ({
  version,
  image: digest,
  dev: false,
  ...more,
});
const versions = (releases: Catalogue) => releases.map(({ version }) => version);
const built = line('2026.9.6', { image: 'creel/openclaw:2026.9.6', dev: true });

describe('the releases on a deployment’s record', () => {
  test('stand newest first, and the same line twice is once', () => {
    const two = withRelease(withRelease([], line('2026.6.11')), line('2026.10.1'));
    expect(versions(two)).toEqual(['2026.10.1', '2026.6.11']);
    expect(withRelease(two, line('2026.6.11'))).toBe(two);
  });

  test('take another image of a version in the place of the former', () => {
    expect(withRelease(withRelease([], built), line('2026.9.6'))).toEqual([line('2026.9.6')]);
  });

  test('keep that a trial has seen a token taken, until another image of the version comes without that', () => {
    const seen = line('2026.9.6', { reloadsToken: true });
    const recorded = withRelease([], seen);
    expect(recorded).toEqual([seen]);
    expect(withRelease(recorded, seen)).toBe(recorded);
    expect(withRelease(recorded, line('2026.9.6', { reloadsToken: false }))).toEqual([line('2026.9.6')]);
  });

  test('are read with all that stands there', async () => {
    const full: Required<Release> = { ...line('2026.9.6'), readyMs: 60_000, firstReadyMs: 90_000, reloadsToken: true };
    const memo = { deployment: 'abcdefghij', layout: 1, keyId: 'k', keyCheck: 'c', releases: [full] };
    const handle = { describe: async () => ({ memo, status: { name: 'RUNNING' } }) };
    const client = { options: { namespace: 'n' }, workflow: { getHandle: () => handle } } as unknown as Client;
    expect((await findDeployment(client))?.deployment.releases).toEqual([full]);
  });

  test('lose one that goes; one that is not there is no matter, and the last one stays', () => {
    const two = withRelease(withRelease([], line('2026.6.11')), line('2026.9.6'));
    expect(versions(withoutRelease(two, '2026.6.11'))).toEqual(['2026.9.6']);
    expect(withoutRelease(two, '2026.9.7')).toBe(two);
    expect(refusal(() => withoutRelease([built], '2026.9.6'))).toContain('is the last one');
  });

  test.each<[string, unknown, RegExp]>([
    ['a floating name', line('latest'), /is not a version/],
    ['an image without a digest that is no dev one (S0-21)', line('2026.9.6', { image: 'a:b' }), /is not pinned/],
    ['an image that is no reference', line('2026.9.6', { image: 'a b', dev: true }), /malformed/],
    ['an image without end', line('2026.9.6', { image: 'a'.repeat(301), dev: true }), /malformed/],
    ['no word whether it is a dev one', { version: '2026.9.6', image: digest }, /dev one/],
    ['a start that is given up too soon', line('2026.9.6', { readyMs: 1 }), /out of bounds/],
    ['a first start that never ends', line('2026.9.6', { firstReadyMs: Infinity }), /out of bounds/],
  ])('refuse %s', (_, given, says) => {
    expect(refusal(() => withRelease([], given as Release))).toMatch(says);
  });

  test('are bounded, in number and in bytes of a memo', () => {
    const wide = (index: number) =>
      line(`2026.9.${10 + index}-${'x'.repeat(40)}`.slice(0, 46), {
        image: `${'r'.repeat(228)}@sha256:${'a'.repeat(64)}`,
        readyMs: 330_000,
        firstReadyMs: 330_000,
        reloadsToken: true,
      });
    const full = Array.from({ length: releasesLength }, (_, index) => wide(index)).reduce(withRelease, [] as Catalogue);
    expect(full).toHaveLength(releasesLength);
    expect(JSON.stringify(full).length).toBeLessThan(25_000);
    expect(refusal(() => withRelease(full, built))).toContain(`creel release remove ${full.at(-1)?.version}`);
    expect(withRelease(full, { ...full[0], dev: true } as Release)).toHaveLength(releasesLength);
  });

  test('whatever is added and taken out, there is one line for each version', () => {
    const word = record({ adds: boolean(), day: integer({ min: 1, max: 9 }), dev: boolean() });
    assert(
      property(array(word), (words) => {
        let recorded: Catalogue = [built];
        for (const { adds, day, dev } of words) {
          const version = `2026.9.${day}`;
          const before = recorded;
          if (adds) recorded = withRelease(recorded, line(version, { dev }));
          else if (recorded.length > 1 || recorded[0]?.version !== version)
            recorded = withoutRelease(recorded, version);
          expect(before.length).toBeGreaterThan(0);
        }
        expect(recorded.length).toBeGreaterThan(0);
        expect(new Set(versions(recorded)).size).toBe(recorded.length);
      }),
    );
  });
});

describe('a worker', () => {
  test('goes by its own file alone where nothing is on record', () => {
    const file = [built];
    expect(knownReleases([], file)).toBe(file);
  });

  test('believes the record of a version that both name, and its file of any other', () => {
    expect(knownReleases([line('2026.9.6')], [built, line('2026.6.11')])).toEqual([
      line('2026.9.6'),
      line('2026.6.11'),
    ]);
  });
});

test('a gateway needs the release it is on, of a kept state too, the one before, and maybe one it goes to', () => {
  const told = (more: object) => {
    const description = { phase: 'ready', life: { spec: { release: '2026.9.6' } }, queue: [], ...more };
    return releasesNamed(description as unknown as Description);
  };
  expect(told({})).toEqual(['2026.9.6']);
  expect(told({ former: { release: '2026.6.11', until: 'x' } })).toEqual(['2026.9.6', '2026.6.11']);
  expect(told({ phase: 'removed' })).toEqual([]);
  expect(told({ phase: 'removed', stateKeptUntil: 'x' })).toEqual(['2026.9.6']);
  expect(told({ life: undefined })).toEqual([]);
  expect(told({ running: { kind: 'upgrade' } })).toEqual(['2026.9.6', 'some release']);
  expect(told({ queue: [{ kind: 'repair' }, { kind: 'upgrade' }] })).toEqual(['2026.9.6', 'some release']);
});
