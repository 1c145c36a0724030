import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './dirs.mjs';
import { run } from './run.mjs';

const lockfile = join(root, 'package-lock.json');
const stamp = join(root, 'node_modules', '.creel-lock');
const installed = join(root, 'node_modules', '.package-lock.json');

/** Whether node_modules is what the lockfile says. */
export function npmIsThere() {
  if (!existsSync(lockfile)) return true;
  if (!existsSync(installed)) return false;
  const noted = existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === lockHash();
  return (noted || adoptInstalled()) && isWhole();
}

/** What npm noted may have been deleted since, a package at a time. */
function isWhole() {
  return Object.keys(packagesOf(installed)).every((name) => existsSync(join(root, name)));
}

/** Installs the dependencies exactly as locked. */
export async function installDependencies() {
  await run('npm', ['npm', 'ci', '--include=dev', '--no-audit', '--no-fund'], { cwd: root });
  writeFileSync(stamp, `${lockHash()}\n`);
}

function lockHash() {
  return createHash('sha256').update(readFileSync(lockfile)).digest('hex');
}

/** Somebody's own `npm ci` counts as well: npm notes what it installed, and that is compared with what is locked. */
function adoptInstalled() {
  const wanted = packagesOf(lockfile);
  const present = packagesOf(installed);
  const names = Object.keys(wanted).filter((name) => name !== '');
  const fits = names.every((name) =>
    present[name] ? present[name].version === wanted[name].version : wanted[name].optional === true,
  );
  if (!fits || Object.keys(present).some((name) => wanted[name] === undefined)) return false;
  writeFileSync(stamp, `${lockHash()}\n`);
  return true;
}

function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}
