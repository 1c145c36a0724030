import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDir, root } from './dirs.mjs';
import { run } from './run.mjs';
import { Problem } from './say.mjs';
import { inScratch } from './scratch.mjs';

/** The Node that creel gets for itself: npm has its binaries, and no other host has to be reached. */
export const ownVersion = readFileSync(join(root, '.nvmrc'), 'utf8').trim();

/** What the packages with that binary consist of: nothing in between changes it. */
const SUMS = {
  x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
};

/** Where scripts/node looks for it. */
const own = join(cacheDir, 'node', ownVersion, 'bin', 'node');

/** Whether there is a Node that creel can run on: the one that runs this, or its own. */
export function nodeIsThere() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 12) || existsSync(own);
}

/** What stands in the way of getting one. */
export function absentNodeSentence() {
  return `creel needs Node 22.12 or newer, and this is ${process.versions.node}: install Node 24 (https://nodejs.org)`;
}

/** Puts creel's own Node into the cache. */
export function installNode() {
  return inScratch('node', 'fetch', async (dir) => {
    const fetched = await fetchNode(dir, process.arch);
    mkdirSync(dirname(own), { recursive: true });
    renameSync(fetched, own);
  });
}

/** Puts the same Node for Linux, as npm has it, below a directory and answers where its program is. */
export async function fetchNode(dir, arch) {
  const name = `node-linux-${arch}`;
  await run('node', ['npm', 'pack', `${name}@${ownVersion}`, '--pack-destination', dir], { cwd: dir });
  const archive = join(dir, `${name}-${ownVersion}.tgz`);
  demandPinned(name, archive, arch);
  await run('node', ['tar', '-xzf', archive, '-C', dir, 'package/bin/node']);
  return join(dir, 'package', 'bin', 'node');
}

function demandPinned(name, archive, arch) {
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found === SUMS[arch]) return;
  throw new Problem(
    `npm gave another ${name}@${ownVersion} than there is (${found}): something between here and its registry changes packages. Put Node 22.12 or newer on PATH by hand`,
  );
}
