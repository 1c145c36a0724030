import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { root } from './dirs.mjs';
import { bornAt } from './process.mjs';

/**
 * Each state of the sources is built into a directory of its own, and `dist` is a link to the one of now. Whoever runs from an older one
 * keeps all of its files: what is imported late, and what its child processes are started from.
 */
const builds = join(root, '.builds');
const dist = join(root, 'dist');

/** Older builds that stay for whoever still runs from them. */
const STAY = 8;

const FOLDERS = ['src', 'test', 'bench'];
const FILES = [
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
  'scripts/build.mjs',
  'scripts/machine/mains.mjs',
];

/** Names what a build is made of. */
export function keyOfSources() {
  const sum = createHash('sha256');
  for (const file of [...FILES, ...FOLDERS.flatMap(sourcesIn)]) sum.update(`${file}\0`).update(read(file)).update('\0');
  return sum.digest('hex').slice(0, 16);
}

function sourcesIn(folder) {
  const at = join(root, folder);
  if (!existsSync(at)) return [];
  const names = readdirSync(at, { recursive: true }).filter((name) => name.endsWith('.ts'));
  return names.toSorted().map((name) => join(folder, name));
}

function read(file) {
  return readFileSync(join(root, file));
}

/** The build of this key: where it is, and whether it is all there. */
export function build(key) {
  const directory = join(builds, key);
  return { directory, isComplete: existsSync(join(directory, 'workflow-bundle.js')) };
}

/** Whether `dist` is the build of this key. */
export function isCurrent(key) {
  return linkedTo() === join('.builds', key) && build(key).isComplete;
}

function linkedTo() {
  return lstatSync(dist, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(dist) : undefined;
}

/** A directory of this process for a build that has yet to be made. */
export function draft() {
  const directory = join(builds, `draft-${process.pid}`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Puts what was compiled where the build of this key stays. */
export function keep(made, key) {
  rmSync(join(builds, key), { recursive: true, force: true });
  renameSync(made, join(builds, key));
}

/** From now on `dist` is the build of this key. */
export function publish(key) {
  const link = join(builds, `draft-${process.pid}`);
  rmSync(link, { recursive: true, force: true });
  symlinkSync(join('.builds', key), link);
  if (existsSync(dist) && linkedTo() === undefined) renameSync(dist, join(builds, `before-${process.pid}`));
  renameSync(link, dist);
  utimesSync(join(builds, key), new Date(), new Date());
}

/** Removes the drafts of builds that were killed, and all but the newest builds. */
export function sweep() {
  const [drafts, made] = [[], []];
  for (const name of readdirSync(builds)) (name.startsWith('draft-') ? drafts : made).push(name);
  const dead = drafts.filter((name) => bornAt(Number(name.slice('draft-'.length))) === undefined);
  const age = (name) => statSync(join(builds, name)).mtimeMs;
  const old = made.toSorted((a, b) => age(b) - age(a)).slice(STAY + 1);
  for (const name of [...dead, ...old]) rmSync(join(builds, name), { recursive: true, force: true });
}
