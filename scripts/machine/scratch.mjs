import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir } from './dirs.mjs';
import { bornAt } from './process.mjs';
import { ask } from './run.mjs';

/** Gives the work a directory of its own in the cache and removes it afterwards, and those that killed runs left there before. */
export async function inScratch(place, name, work) {
  const parent = join(cacheDir, place);
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  await sweep(parent);
  const dir = join(parent, `scratch-${name}-${process.pid}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  try {
    return await work(dir);
  } finally {
    await removeTree(dir);
  }
}

async function sweep(parent) {
  const left = readdirSync(parent).filter(
    (name) => name.startsWith('scratch-') && bornAt(Number(name.split('-').at(-1))) === undefined,
  );
  for (const name of left) await removeTree(join(parent, name));
}

/** debootstrap mounts inside its tree, and leaves that behind when it is killed. */
async function removeTree(dir) {
  for (const mount of mountsBelow(dir).toReversed()) await ask(['umount', '-l', mount]);
  rmSync(dir, { recursive: true, force: true });
}

function mountsBelow(dir) {
  try {
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '');
    return mounts.filter((mount) => mount.startsWith(`${dir}/`));
  } catch {
    return [];
  }
}
