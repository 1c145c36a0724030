import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { scratchDirectory } from '../scratch.js';

it('every chunk of the bundled programs loads, whatever program needs it first', async () => {
  const chunks = fs.readdirSync('dist/chunks').filter((name) => !name.startsWith('workflow-worker-thread'));
  expect(chunks.length).toBeGreaterThan(5);
  const imports = chunks.map((name) => `await import('${pathToFileURL(path.resolve('dist/chunks', name)).href}');`);
  const directory = scratchDirectory('creel-bundled-');
  try {
    const main = path.join(directory, 'main.mjs'); // A file: what `node -e` runs has names that a module has not.
    fs.writeFileSync(main, imports.join('\n'));
    await execa(process.execPath, [main]);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});
