import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

/** A heading as a link names it. */
const anchorOf = (heading: string) => heading.toLowerCase().replaceAll(' ', '-');

test('every heading of the runbook that a message names is there', () => {
  const headings = [...fs.readFileSync('docs/runbook.md', 'utf8').matchAll(/^## (.+)$/gm)];
  const there = headings.map(([, heading = '']) => anchorOf(heading));
  const files = fs.readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const named = files.flatMap((name) => {
    const text = fs.readFileSync(path.join('src', name), 'utf8');
    return [...text.matchAll(/runbook(?:\.md)?#([a-z0-9-]+)/g)].map(([, anchor = '']) => anchor);
  });
  expect(named.length).toBeGreaterThan(50);
  expect([...new Set(named)].filter((anchor) => !there.includes(anchor))).toEqual([]);
});
