import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeImage } from '../../../src/releases/make.js';
import { scratchDirectory } from '../../world/scratch.js';

let root: string;
beforeEach(() => {
  root = scratchDirectory('creel-make-');
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(root, { recursive: true, force: true });
});

function write(name: string, content: string): void {
  fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  fs.writeFileSync(path.join(root, name), content);
}

const make = (below: string, { signal } = new AbortController()) =>
  makeImage({ version: '2026.9.6', base: undefined }, `${root}/engine.sock`, signal, path.join(root, below));

test('an image is made by the script of the package that creel lies in', async () => {
  write('package.json', '{}');
  const made = { image: 'creel/openclaw:2026.9.6', built: true, sbom: '/sbom' };
  write('scripts/release.mjs', `process.stdout.write('${JSON.stringify(made)}')`);
  expect(await make('.builds/one/src')).toEqual(made);
});

test('an installed creel runs no script of the project that it was installed in', async () => {
  write('package.json', '{}');
  write('scripts/release.mjs', `import fs from 'node:fs'; fs.writeFileSync('${root}/ran', '')`);
  write('node_modules/creel/package.json', '{}');
  await expect(make('node_modules/creel/lib/src')).rejects.toThrow('scripts/release.mjs is not here');
  expect(fs.existsSync(`${root}/ran`)).toBe(false);
});

test('a build that is interrupted ends, and that is what is said', async () => {
  write('package.json', '{}');
  write(
    'scripts/release.mjs',
    `import fs from 'node:fs'; fs.writeFileSync('${root}/pid', String(process.pid)); setTimeout(() => fs.writeFileSync('${root}/built', ''), 10_000);`,
  );
  const ending = new AbortController();
  const making = make('src', ending);
  await expect.poll(() => fs.existsSync(`${root}/pid`) && fs.readFileSync(`${root}/pid`, 'utf8')).toMatch(/^\d+$/);
  ending.abort(new Error('interrupted'));
  await expect(making).rejects.toThrow(/^interrupted$/);
  expect(fs.existsSync(`${root}/built`)).toBe(false);
  const pid = Number(fs.readFileSync(`${root}/pid`, 'utf8'));
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  await expect(make('src', ending)).rejects.toThrow(/^interrupted$/);
});
