import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const control = 'src/activities/parts/door/control.ts';

/** Files that ask a gateway by the name of a method, or judge by its words. */
function thoseThatKnow(pattern: RegExp): string[] {
  const names = readdirSync('src/activities', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const files = names.map((name) => path.posix.join('src/activities', name));
  return files.filter((file) => pattern.test(readFileSync(file, 'utf8')));
}

it('names a method of the gateway’s RPC in one file', () => {
  expect(thoseThatKnow(/\.call\(\s*'|method: '|=== '[a-z]+\.[a-z]/)).toEqual([control]);
});

it('knows the words of its refusals in one file', () => {
  expect(thoseThatKnow(/unknown (deviceId|requestId|\()|revocation denied|changed since last load/)).toEqual([control]);
});
