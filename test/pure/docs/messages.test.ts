import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { expect, test } from 'vitest';

const sources = fileURLToPath(new URL('../../../src', import.meta.url));

/** What a source file can say: all of it but its comments. */
function saidIn(content: string): string {
  return content.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '');
}

/** A requirement or a trap by its id, as the field's lists count them. */
const requirement = /\b(?:S[0-4]|[A-Z])-\d+\b|\(T\d+\)/;

test('a text is found in a literal and in a template, and a comment is none', () => {
  const content = "/** (A-1) */ f('A-2', `${a} (A-3)`); // A-4\n/* A-5\n */ g('https://x.y');";
  expect(saidIn(content)).toBe(" f('A-2', `${a} (A-3)`);\n g('https://x.y');");
});

test('no message names a requirement or a trap: who reads it has no list of them', () => {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(200);
  const coded = files.flatMap((name) =>
    saidIn(readFileSync(path.join(sources, name), 'utf8'))
      .split('\n')
      .filter((line) => requirement.test(line))
      .map((line) => `${name}: ${line.trim()}`),
  );
  expect(coded).toEqual([]);
});
