import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const page = readFileSync(path.join(root, 'docs/requirements.md'), 'utf8');
const rows = page.split('\n').flatMap((line) => {
  const [, id, requirement, satisfied, proved] = /^\| (S\d-\d+) \| (.+) \| (.+) \| (.+) \|$/.exec(line) ?? [];
  return id && requirement && satisfied && proved ? [{ id, requirement, satisfied, proved }] : [];
});

/** Every text file that may quote a requirement. */
function sources(): string[] {
  const below = (directory: string): string[] =>
    readdirSync(path.join(root, directory), { recursive: true, encoding: 'utf8' }).map((name) =>
      path.join(directory, name),
    );
  const all = ['src', 'test', 'bench', 'scripts', 'image', 'bin', '.ci'].flatMap(below);
  return [...all, 'docker-compose.temporal.yml'].filter(
    (name) => /\.(ts|mjs|yml|Dockerfile|json)$/.test(name) && !name.endsWith('lock.json'),
  );
}

/** Which requirement is quoted where. This file quotes none. */
function quotes(): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of sources()) {
    for (const [id] of readFileSync(path.join(root, name), 'utf8').matchAll(/\bS[0-4]-\d+\b/g)) found.set(id, name);
  }
  return found;
}

/** Where a file that a row names lies: named from the root, or as a pure test. */
function placesOf(name: string): string[] {
  const pure = readdirSync(path.join(root, 'test/pure')).map((room) => path.join('test/pure', room, name));
  return [name, ...pure].filter((each) => existsSync(path.join(root, each)));
}

/** Whether a file has a test, or a group of them, that quotes a requirement in its title. */
function saysInTitle(name: string, id: string): boolean {
  const titles = readFileSync(path.join(root, name), 'utf8').matchAll(
    /\b(?:describe|it|test|on|each)(?:\.\w+)*\(\s*(['"`])((?:(?!\1)[^])*)\1|\]\)\(\s*(['"`])((?:(?!\3)[^])*)\3/g,
  );
  return [...titles].some(([, , one, , other]) => new RegExp(`\\b${id}\\b`).test(one ?? other ?? ''));
}

describe('docs/requirements.md', () => {
  const quoted = quotes();

  test('is read by this test at all', () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(quoted.size).toBeGreaterThan(20);
  });

  test('has a row for every requirement that is quoted', () => {
    const known = new Set(rows.map(({ id }) => id));
    const missing = [...quoted].filter(([id]) => !known.has(id)).map(([id, where]) => `${id}, quoted in ${where}`);
    expect(missing).toEqual([]);
  });

  test('has each row once, in order', () => {
    const ids = rows.map(({ id }) => id);
    const order = (id: string) => Number(id[1]) * 1_000 + Number(id.slice(3));
    expect(ids).toEqual([...new Set(ids)].toSorted((one, other) => order(one) - order(other)));
  });

  test.each(rows)('$id is asserted by a test that says so', ({ id, proved }) => {
    const files = [...proved.matchAll(/`([^`]*\.ts)`/g)].map(([, name]) => placesOf(name ?? '')[0] ?? '');
    expect(files.some((name) => saysInTitle(name, id))).toBe(true);
  });

  test.each(rows)('$id names files that exist', ({ satisfied, proved }) => {
    const named = [...`${satisfied} ${proved}`.matchAll(/`([^`]*\.(?:ts|yml)|(?:src|test)\/[^`]*)`/g)].map(
      ([, name]) => name ?? '',
    );
    for (const name of named) {
      expect(placesOf(name), name).not.toEqual([]);
    }
  });
});

describe('docs/runbook.md', () => {
  const anchors = [...readFileSync(path.join(root, 'docs/runbook.md'), 'utf8').matchAll(/^#+ (.+)$/gm)].map(
    ([, heading]) =>
      (heading ?? '')
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
  );

  test('has a heading for every anchor that a message names', () => {
    const named = sources().flatMap((name) =>
      [...readFileSync(path.join(root, name), 'utf8').matchAll(/runbook(?:\.md)?#([a-z-]+)/g)].map(
        ([, anchor]) => anchor ?? '',
      ),
    );
    expect(named.length).toBeGreaterThan(2);
    for (const anchor of named) expect(anchors).toContain(anchor);
  });

  test('has no two headings of one anchor', () => {
    expect(new Set(anchors).size).toBe(anchors.length);
  });
});
