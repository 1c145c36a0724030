import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { scratchDirectory } from '../world/scratch.js';

/** Runs a module: a file, because what `node -e` runs has names that a module has not. */
async function run(code: string): Promise<string> {
  const directory = scratchDirectory('creel-bundled-');
  try {
    const main = path.join(directory, 'main.mjs');
    fs.writeFileSync(main, code);
    return (await execa(process.execPath, [main])).stdout;
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

const chunk = (name: string) => pathToFileURL(path.resolve('dist/chunks', name)).href;

it('every chunk of the bundled programs loads, whatever program needs it first', async () => {
  const chunks = fs.readdirSync('dist/chunks').filter((name) => !name.startsWith('workflow-worker-thread'));
  expect(chunks.length).toBeGreaterThan(5);
  await run(chunks.map((name) => `await import('${chunk(name)}');`).join('\n'));
});

it('a promise of Node’s own, which has no constructor, does not end the thread of the workflows', async () => {
  const [name = ''] = fs.readdirSync('dist/chunks').filter((each) => each.startsWith('vm-'));
  const said = await run(`
    import * as exported from '${chunk(name)}';
    const creators = Object.values(exported).flatMap((each) => each()?.VMWorkflowCreator ?? []);
    const sourceMap = { version: 3, sources: [], names: [], mappings: '' };
    await creators[0].create({ code: '', filename: 'none.js', sourceMap }, 1_000, new Set());
    const { promise, resolve } = Promise.withResolvers();
    Object.defineProperty(promise, 'constructor', { value: undefined });
    resolve();
    console.log('lives');
  `);
  expect(said).toBe('lives');
});

it('what npm installs beside the bundles is what they load from there, in the versions that they were made with', () => {
  const read = (file: string) => JSON.parse(fs.readFileSync(file, 'utf8'));
  const { dependencies } = read('package.json');
  const [, named = ''] = /const OUTSIDE = \[(.*)\];/.exec(fs.readFileSync('scripts/machine/mains.mjs', 'utf8')) ?? [];
  expect(
    Object.keys(dependencies)
      .map((name) => `'${name}'`)
      .join(', '),
  ).toBe(named);
  for (const [name, version] of Object.entries(dependencies))
    expect(read(`node_modules/${name}/package.json`).version, name).toBe(version);
  const versions = Object.keys(read('package.json').devDependencies).flatMap((name) =>
    name.startsWith('@temporalio/') ? [read(`node_modules/${name}/package.json`).version] : [],
  );
  expect([...new Set(versions)]).toEqual([dependencies['@temporalio/core-bridge']]);
});
