import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { debootstrapBase, pullBase } from './base.mjs';
import { cacheDir } from './dirs.mjs';
import { MTIME, build, proxies } from './image.mjs';
import { withLock } from './lock.mjs';
import { catalogue, imageDir } from './recipe.mjs';
import { tarOf } from './tar.mjs';

const [recipe, init] = ['Dockerfile', 'init'].map((name) => readFileSync(join(imageDir, 'machine', name)));
const hash = createHash('sha256').update(recipe).update('\0').update(init).digest('hex');

/** The image of a machine that is a container, for the stand-in of Lightsail; another recipe is another tag. */
export const machineTag = `creel/machine:${hash.slice(0, 12)}`;

/** Whether an engine has it. */
export async function hasMachine(engine) {
  const { status } = await engine.ask('GET', `/images/${machineTag}/json`);
  return status === 200;
}

/** Makes it, unless the engine has it. */
export async function makeMachine(engine, arch) {
  await withLock({ what: 'the image of a machine', path: join(cacheDir, 'machine-image.lock') }, async () => {
    if (!(await hasMachine(engine))) await make(engine, arch);
  });
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
  await build(engine, 'image-machine', context, { t: machineTag, buildargs, rm: '1', forcerm: '1' });
}
