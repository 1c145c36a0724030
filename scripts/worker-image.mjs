/** Makes the image of the worker on this machine's engine, as packaging/Dockerfile says; where no registry gives its base, one is made here. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { debootstrapBase } from './machine/base.mjs';
import { makeDirs, root } from './machine/dirs.mjs';
import { findEngine } from './machine/find-engine.mjs';
import { MTIME, build, proxies } from './machine/image.mjs';
import { fetchNode, ownVersion } from './machine/node.mjs';
import { catalogue } from './machine/recipe.mjs';
import { run } from './machine/run.mjs';
import { Problem, say } from './machine/say.mjs';
import { inScratch } from './machine/scratch.mjs';
import { tarOf } from './machine/tar.mjs';

const usage = `Usage: npm run image -- [options]

Makes the image of the worker on the Docker engine of this machine.

  --tag NAME        what it is called (creel/worker:VERSION)
  --installed DIR   the prefix below which npm has installed creel; without it, this checkout is packed and installed first
  --base IMAGE      what it is made on (node:24-bookworm-slim; where no registry has it, Debian's packages and npm's Node)
`;

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const dockerfile = readFileSync(join(root, 'packaging', 'Dockerfile'), 'utf8');
const [, usualBase] = /^ARG BASE=(.*)$/m.exec(dockerfile);

async function main(argv) {
  const options = { tag: { type: 'string' }, installed: { type: 'string' }, base: { type: 'string' } };
  const { values } = parseArgs({ args: argv, options: { ...options, help: { type: 'boolean' } } });
  if (values.help) return process.stdout.write(usage);
  makeDirs();
  const { engine, about, refused = ['no Docker engine answers: scripts/bootstrap gets one'] } = await findEngine();
  if (!engine) throw new Problem(refused.join('\n'));
  const base = values.base ?? (await chooseBase(engine, about.arch));
  const make = (prefix) => makeImage(engine, about.arch, prefix, base, values.tag ?? `creel/worker:${version}`);
  if (values.installed) await make(resolve(values.installed));
  else await inScratch('stage', 'worker', async (dir) => make(await installInto(dir)));
}

async function makeImage(engine, arch, prefix, base, tag) {
  if (!existsSync(join(prefix, 'bin', 'creel')))
    throw new Problem(
      `npm has installed no creel below ${prefix}: npm install --global --prefix ${prefix} creel-*.tgz`,
    );
  const content = ['bin', 'lib'].flatMap((name) => entriesOf(name, join(prefix, name), join(prefix, NATIVE), arch));
  const context = tarOf([{ name: 'Dockerfile', content: Buffer.from(dockerfile) }, ...content], MTIME);
  const buildargs = JSON.stringify({ ...proxies(), BASE: base });
  await build(engine, 'image-worker', Readable.from(context), { t: tag, buildargs, rm: '1', forcerm: '1' });
  await removeStage(engine);
  say(`${tag} is on the engine`);
}

/** Where npm puts Temporal's native part, for every platform. */
const NATIVE = join('lib', 'node_modules', 'creel', 'node_modules', '@temporalio', 'core-bridge', 'releases');

/** A tree for the context: of the native parts only that of the engine, which spares it a hundred megabytes. */
function entriesOf(name, path, natives, arch) {
  if (path !== natives && !natives.startsWith(`${path}/`)) return [{ name, path }];
  const fits = (each) => path !== natives || each === `${{ x64: 'x86_64', arm64: 'aarch64' }[arch]}-unknown-linux-gnu`;
  const inside = readdirSync(path).filter(fits);
  return inside.flatMap((each) => entriesOf(`${name}/${each}`, join(path, each), natives, arch));
}

/** The classic builder leaves the first stage behind, with every platform's native part in it. */
async function removeStage(engine) {
  const filters = encodeURIComponent(JSON.stringify({ dangling: ['true'], label: ['creel.stage=worker'] }));
  const { body } = await engine.ask('GET', `/images/json?filters=${filters}`);
  for (const { Id } of body) await engine.ask('DELETE', `/images/${Id}`, { timeoutMs: 120_000 });
}

async function installInto(dir) {
  const prefix = join(dir, 'creel');
  await run('image-worker', ['npm', 'pack', '--pack-destination', dir], { cwd: root });
  const tarball = join(dir, `creel-${version}.tgz`);
  await run('image-worker', ['npm', 'install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', tarball], {
    cwd: dir,
  });
  return prefix;
}

/** The base that the Dockerfile names, where a registry has it; otherwise one of the same kind, made once on this engine. */
async function chooseBase(engine, arch) {
  const tag = `creel/node:${ownVersion}-${catalogue.base.suite}`;
  if ((await engine.ask('GET', `/images/${tag}/json`)).status === 200) return tag; // No registry answered then.
  const asked = [`/images/${usualBase}/json`, `/distribution/${usualBase}/json`].map((path) =>
    engine.ask('GET', path, { timeoutMs: 8_000 }).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  if ((await Promise.all(asked)).includes(true)) return usualBase;
  await makeBase(engine, arch, tag);
  return tag;
}

function makeBase(engine, arch, tag) {
  return inScratch('stage', 'node', async (dir) => {
    const entries = [
      { name: 'Dockerfile', content: Buffer.from('FROM scratch\nADD base.tar /\nCOPY node /usr/local/bin/node\n') },
      { name: 'base.tar', path: await debootstrapBase(catalogue.base, arch) },
      { name: 'node', path: await fetchNode(dir, arch) },
    ];
    await build(engine, 'image-worker', Readable.from(tarOf(entries, MTIME)), { t: tag, rm: '1', forcerm: '1' });
  });
}

main(process.argv.slice(2)).catch((error) => {
  for (const line of (error instanceof Problem ? error.message : error.stack).split('\n')) say(`image: ${line}`);
  process.exitCode = 1;
});
