import { createHash, randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheDir, root } from './dirs.mjs';
import { bornAt, lives, pidSpace } from './process.mjs';
import { say } from './say.mjs';

/** One bootstrap on this cache at a time, and one build of this checkout. */
export const bootstrapLock = { what: 'bootstrap', path: join(cacheDir, 'bootstrap.lock') };
export const buildLock = { what: 'build', path: join(cacheDir, `build-${hashOf(root)}.lock`) };

/** How often a holder shows that it lives, and after how long one that cannot be asked is dead: a step may keep it busy for minutes. */
const beatMs = 5_000;
const silentMs = 15 * 60_000;

/**
 * Does the work while no other holder of this lock does any; waits for one that lives, takes over from one that died. It is another
 * lock than that of the key's files (src/adapters/files/file-lock.ts): it is held for minutes, and before npm has brought anything.
 */
export async function withLock({ what, path }, work) {
  await take(what, path);
  const beat = setInterval(() => touch(path), beatMs).unref();
  const release = () => {
    clearInterval(beat);
    rmSync(path, { force: true });
  };
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
  const mine = { ...self(), nonce: randomBytes(8).toString('hex') };
  let told = false;
  while (!createOnce(path, mine)) {
    const holder = read(path);
    if (holder && isDead(path, holder)) removeDead(path, holder);
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
  if (!createOnce(claim, self())) {
    const claimant = read(claim);
    if (claimant && isDead(claim, claimant)) rmSync(claim, { force: true });
    return;
  }
  if (read(path)?.nonce === holder.nonce) rmSync(path, { force: true });
  rmSync(claim, { force: true });
}

function self() {
  return { pid: process.pid, born: bornAt(process.pid), space: pidSpace() };
}

/** A process id says nothing about a holder of another machine, boot or pid namespace: that one is dead when it has been silent for long. */
function isDead(path, holder) {
  if (holder.space === undefined || holder.space === pidSpace()) return !lives(holder);
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > silentMs;
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Whoever removed it answers for it.
  }
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
