import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Checkout, ended } from './checkout.js';

/** A compiler that copies, slowly enough that two builds at once would meet, and that knows one mistake. */
const compiler = `
import fs from 'node:fs';
import path from 'node:path';
const out = process.argv.at(-1);
const sources = fs.readdirSync('src', { recursive: true }).filter((name) => name.endsWith('.ts'));
for (const name of sources) {
  const text = fs.readFileSync(path.join('src', name), 'utf8');
  if (text.includes('mistake')) throw new Error(name + ' has a mistake');
  const at = path.join(out, 'src', name.replace(/ts$/, 'js'));
  fs.mkdirSync(path.dirname(at), { recursive: true });
  fs.writeFileSync(at, text);
}
await new Promise((resolve) => setTimeout(resolve, 300));
fs.appendFileSync('compilations', '.');
`;

const bundler = `
import fs from 'node:fs';
fs.writeFileSync(new URL('../../workflow-bundle.js', import.meta.url), 'bundle');
`;

/** What bundles the programs leaves them as they are. */
const rolldown = 'export const rolldown = async () => ({ write: async () => ({ output: [] }) });';

let checkout: Checkout;
beforeEach(() => {
  checkout = new Checkout();
  checkout.write('package.json', '{ "type": "module" }');
  for (const name of ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json']) checkout.write(name, '{}');
  checkout.write('node_modules/package.json', '{ "type": "module" }');
  checkout.write('node_modules/.bin/tsc', compiler);
  checkout.write('node_modules/rolldown/package.json', '{ "type": "module", "exports": "./index.js" }');
  checkout.write('node_modules/rolldown/index.js', rolldown);
  checkout.write('src/worker/bundle.ts', bundler);
  checkout.write('src/main.ts', "export const word = 'old';");
});
afterEach(() => checkout.remove());

const build = () => checkout.run([process.execPath, 'scripts/build.mjs']);
const compilations = () => fs.readFileSync(checkout.at('compilations'), 'utf8').length;
const built = () => fs.readdirSync(checkout.at('.builds'));
const text = (name: string) => fs.readFileSync(checkout.at('dist', name), 'utf8');

describe('a build', () => {
  it('is made once for the same sources, and again for others', async () => {
    for (let times = 0; times < 2; times += 1) expect(await build()).toMatchObject({ code: 0, complained: '' });
    expect(compilations()).toBe(1);
    checkout.write('src/main.ts', "export const word = 'new';");
    expect(await build()).toMatchObject({ code: 0 });
    expect(text('src/main.js')).toContain('new');
    checkout.write('src/main.ts', "export const word = 'old';");
    expect(await build()).toMatchObject({ code: 0 });
    expect(text('src/main.js')).toContain('old');
    expect(compilations()).toBe(2);
  });

  it('is made once by two at the same time, and both find all of it', async () => {
    const both = await Promise.all([build(), build()]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(compilations()).toBe(1);
    expect(text('workflow-bundle.js')).toBe('bundle');
    expect(built()).toHaveLength(1);
  });

  it('leaves an older one to whoever runs from it: what it imports late is of the same sources', async () => {
    checkout.write('src/late.ts', "export const word = 'old';");
    checkout.write(
      'src/main.ts',
      "console.log('up'); process.stdin.once('data', async () => { console.log((await import('./late.js')).word); process.exit(); });",
    );
    await build();
    const runs = checkout.start([process.execPath, 'dist/src/main.js']);
    const end = ended(runs);
    if (runs.stdout) await once(runs.stdout, 'data');
    checkout.write('src/late.ts', "export const word = 'new';");
    await build();
    runs.stdin?.write('\n');
    expect((await end).said).toContain('old');
    expect(text('src/late.js')).toContain('new');
  });

  it('with a mistake in it says which and leaves the one before', async () => {
    await build();
    checkout.write('src/main.ts', 'a mistake');
    const { code, complained } = await build();
    expect(code).not.toBe(0);
    expect(complained).toContain('main.ts has a mistake');
    expect(text('src/main.js')).toContain('old');
  });

  it('that was killed half done is made again, and its draft goes', async () => {
    await build();
    const key = path.basename(fs.readlinkSync(checkout.at('dist')));
    fs.rmSync(checkout.at('.builds', key, 'workflow-bundle.js'));
    fs.mkdirSync(checkout.at('.builds', 'draft-4194305'));
    expect(await build()).toMatchObject({ code: 0 });
    expect(text('workflow-bundle.js')).toBe('bundle');
    expect(built()).toEqual([key]);
  });

  it('takes the place of a directory, which an earlier version built into', async () => {
    checkout.write('dist/src/main.js', "export const word = 'ancient';");
    expect(await build()).toMatchObject({ code: 0 });
    expect(text('src/main.js')).toContain('old');
  });

  it('keeps the eight before it and no more', async () => {
    for (let times = 0; times < 11; times += 1)
      fs.mkdirSync(checkout.at('.builds', `made-${times}`), { recursive: true });
    await build();
    expect(built()).toHaveLength(9);
  });
});
