import { createHash, randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheDir, root } from './dirs.mjs';
import { bornAt, lives } from './process.mjs';
import { say } from './say.mjs';

/** One bootstrap on this cache at a time, and one build of this checkout. */
export const bootstrapLock = { what: 'bootstrap', path: join(cacheDir, 'bootstrap.lock') };
export const buildLock = { what: 'build', path: join(cacheDir, `build-${hashOf(root)}.lock`) };

/** Does the work while no other holder of this lock does any; waits for one that lives, takes over from one that died. */
export async function withLock({ what, path }, work) {
  await take(what, path);
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));
  try {
    return await work();
  } finally {
    release();
    process.off('exit', release);
  }
}

async function take(what, path) {
  const mine = { pid: process.pid, born: bornAt(process.pid), nonce: randomBytes(8).toString('hex') };
  let told = false;
  while (!createOnce(path, mine)) {
    const holder = read(path);
    if (holder && !lives(holder)) removeDead(path, holder);
    else {
      if (holder && !told) say(`another ${what} (process ${holder.pid}) is at work; waiting for it`);
      told ||= holder !== undefined;
      await sleep(250);
    }
  }
}

/** Removes the lock of a dead holder: only who owns the claim named after that very holder may, so a new holder's lock is never removed. */
function removeDead(path, holder) {
  const claim = `${path}.${holder.nonce}`;
  if (!createOnce(claim, { pid: process.pid, born: bornAt(process.pid) })) {
    const claimant = read(claim);
    if (claimant && !lives(claimant)) rmSync(claim, { force: true });
    return;
  }
  if (read(path)?.nonce === holder.nonce) rmSync(path, { force: true });
  rmSync(claim, { force: true });
}

/** By a link, so that whoever sees the file sees all of it. */
function createOnce(file, content) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(content), { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft);
  }
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function hashOf(text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
