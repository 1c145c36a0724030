import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Checkout, ended } from './checkout.js';

const version = fs.readFileSync('.nvmrc', 'utf8').trim();
const name = `node-linux-${process.arch}`;
const old = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.19.2'}})`;

let checkout: Checkout;
beforeEach(() => {
  checkout = new Checkout();
});
afterEach(() => checkout.remove());

/** The Node on PATH is an older one by all that it says. */
function withOldNode(): void {
  checkout.program(
    'node',
    `#!/bin/sh\n[ "$1" = --version ] && { echo v20.19.2; exit; }\nexec ${process.execPath} --import "${old}" "$@"\n`,
  );
}

/** What npm gives for the package of the newer one, whose sum is pinned. */
function withPackage(): void {
  checkout.write('package/bin/node', `#!/bin/sh\nexec ${process.execPath} "$@"\n`);
  fs.chmodSync(checkout.at('package/bin/node'), 0o755);
  const archive = checkout.at(`${name}-${version}.tgz`);
  execFileSync('tar', ['-czf', archive, '-C', checkout.root, 'package']);
  const sum = `sha512-${createHash('sha512').update(fs.readFileSync(archive)).digest('base64')}`;
  const script = fs.readFileSync(checkout.at('scripts/machine/node.mjs'), 'utf8');
  checkout.write(
    'scripts/machine/node.mjs',
    script.replace(/const SUMS = \{[^}]*\};/, `const SUMS = { ${process.arch}: '${sum}' };`),
  );
  checkout.program('npm', `#!/bin/sh\n[ "$1" != pack ] || cp "${archive}" "$4"\n`);
  checkout.program('temporal', '#!/bin/sh\necho "temporal version 1.9.1 (Server 1.31.0, UI 2.50.0)"\n');
}

const bootstrap = () => checkout.run(['scripts/bootstrap', '--no-engine']);
const askNode = () => checkout.run(['scripts/node', '-p', 'process.versions.node']);

describe('the Node that creel runs on', () => {
  it('is the one on PATH where it is new enough', async () => {
    expect(await askNode()).toEqual({ code: 0, said: `${process.versions.node}\n`, complained: '' });
  });

  it('is got by bootstrap where it is older, which says so; until then that is told', async () => {
    withOldNode();
    withPackage();
    const { code, complained } = await askNode();
    expect({ code, complained }).toEqual({
      code: 1,
      complained:
        'creel needs Node 22.12 or newer, and the one on PATH is v20.19.2. This gets a newer one for creel alone: scripts/bootstrap\n',
    });
    const got = await bootstrap();
    expect(got.complained).toContain(
      `  - Node ${version}, from npm, for creel alone: it needs 22.12, and this is 20.19.2\n`,
    );
    expect(got.code).toBe(0);
    expect(await askNode()).toEqual({ code: 0, said: `${process.versions.node}\n`, complained: '' });
    expect(await bootstrap()).toEqual({ code: 0, said: '', complained: '' });
  });

  it('is what its programs start by name as well', async () => {
    withOldNode();
    withPackage();
    await bootstrap();
    const code = `console.log(require('node:child_process').execFileSync('node', ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim())`;
    expect(await checkout.run(['scripts/node', '-e', code])).toMatchObject({ said: `${process.versions.node}\n` });
  });

  it('is not another one than npm has: nothing of it is kept', async () => {
    withOldNode();
    withPackage();
    fs.appendFileSync(checkout.at(`${name}-${version}.tgz`), 'more');
    const { code, complained } = await bootstrap();
    expect(code).toBe(1);
    expect(complained).toMatch(/bootstrap: npm gave another node-linux-\w+@[\d.]+ than there is \(sha512-/);
    expect(fs.readdirSync(`${checkout.cache}/node`)).toEqual([]);
  });
});

describe('the command of a checkout under an older Node', () => {
  beforeEach(async () => {
    withOldNode();
    withPackage();
    await bootstrap();
  });

  it('runs on the one that bootstrap got, with its arguments, and ends as it ends', async () => {
    checkout.write(
      'dist/src/starter.js',
      'export function main(args) { console.log(process.versions.node, ...args); process.exitCode = 7; }',
    );
    expect(await checkout.run(['bin/creel.mjs', 'list', '--json'])).toEqual({
      code: 7,
      said: `${process.versions.node} list --json\n`,
      complained: '',
    });
  });

  it('ends what it started when it is ended', async () => {
    checkout.write(
      'dist/src/starter.js',
      `export function main() { process.once('SIGTERM', () => { console.log('ended'); process.exit(3); }); setInterval(() => {}, 1000); console.log('up'); }`,
    );
    const started = checkout.start(['bin/creel.mjs']);
    const end = ended(started);
    started.stdout?.once('data', () => started.kill('SIGTERM'));
    expect(await end).toMatchObject({ code: 3, said: 'up\nended\n' });
  });

  it('says what it needs where it was installed without its scripts', async () => {
    fs.rmSync(checkout.at('scripts/node'));
    expect(await checkout.run(['bin/creel.mjs'])).toEqual({
      code: 1,
      said: '',
      complained: 'creel: it needs Node 22.12 or newer, and this is 20.19.2\n',
    });
  });
});

it('npm run worker is the worker: what ends the one ends the other', async () => {
  const { scripts } = JSON.parse(fs.readFileSync('package.json', 'utf8'));
  checkout.write('package.json', JSON.stringify({ type: 'module', scripts: { worker: scripts.worker } }));
  checkout.write(
    'dist/src/worker.js',
    `process.once('SIGTERM', () => { console.log('ended'); process.exit(); }); setInterval(() => {}, 1000); console.log('up');`,
  );
  const started = checkout.start(['npm', 'run', '--silent', 'worker']);
  const end = ended(started);
  started.stdout?.once('data', () => started.kill('SIGTERM'));
  expect(await end).toMatchObject({ said: 'up\nended\n' });
});
