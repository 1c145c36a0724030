/** Makes the image of a machine that is a container, for the stand-in of Lightsail, unless the engine has it; says its tag. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { debootstrapBase, pullBase } from './machine/base.mjs';
import { cacheDir, makeDirs } from './machine/dirs.mjs';
import { findEngine } from './machine/find-engine.mjs';
import { MTIME, build, proxies } from './machine/image.mjs';
import { withLock } from './machine/lock.mjs';
import { catalogue, imageDir } from './machine/recipe.mjs';
import { Problem, say } from './machine/say.mjs';
import { tarOf } from './machine/tar.mjs';

const [recipe, init] = ['Dockerfile', 'init'].map((name) => readFileSync(join(imageDir, 'machine', name)));
const hash = createHash('sha256').update(recipe).update('\0').update(init).digest('hex');
const tag = `creel/machine:${hash.slice(0, 12)}`;

async function main() {
  makeDirs();
  const { engine, about, refused = ['no Docker engine answers: scripts/bootstrap gets one'] } = await findEngine();
  if (!engine) throw new Problem(refused.join('\n'));
  await withLock({ what: 'the image of a machine', path: join(cacheDir, 'machine-image.lock') }, async () => {
    const { status } = await engine.ask('GET', `/images/${tag}/json`);
    if (status !== 200) await make(engine, about.arch);
  });
  process.stdout.write(`${tag}\n`);
}

async function make(engine, arch) {
  const pulled = await pullBase(engine, catalogue.base, arch);
  const base = pulled === undefined ? [{ name: 'base.tar', path: await debootstrapBase(catalogue.base, arch) }] : [];
  const first = readFileSync(join(imageDir, `base.${pulled === undefined ? 'debootstrap' : 'registry'}.Dockerfile`));
  const entries = [
    { name: 'Dockerfile', content: Buffer.concat([first, recipe]) },
    { name: 'init', path: join(imageDir, 'machine', 'init') },
    ...base,
  ];
  const buildargs = JSON.stringify({ ...proxies(), ...(pulled !== undefined && { BASE: pulled }) });
  const context = Readable.from(tarOf(entries, MTIME));
  await build(engine, 'image-machine', context, { t: tag, buildargs, rm: '1', forcerm: '1' });
}

main().catch((error) => {
  for (const line of (error instanceof Problem ? error.message : error.stack).split('\n')) say(`machine: ${line}`);
  process.exitCode = 1;
});
