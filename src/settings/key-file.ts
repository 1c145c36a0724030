import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makePrivateDirectory, syncDirectory } from '../adapters/files/directory-sync.js';
import { withLock } from '../adapters/files/file-lock.js';
import { Refused } from '../domain/errors.js';
import { keysOf, type KeyMemo } from '../domain/keys/deployment-keys.js';
import { KeyRing } from '../domain/keys/key-ring.js';
import { masterKey, type MasterKey } from '../domain/keys/token.js';

/**
 * Reads the master key, or `Refused` with what is wrong with the file (missing, too open, not ours, malformed) and the
 * remedy.
 */
export function openKey(file: string): MasterKey {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) {
    throw new Refused(
      `there is no master key at ${file}. A new deployment makes one with \`creel init\`; an old one needs the key it was made with: put it there, or name its place with CREEL_KEY_FILE`,
    );
  }
  if (!found.isFile()) throw new Refused(`the master key ${file} is not a file`);
  const self = process.geteuid?.() ?? found.uid;
  if (found.uid !== self) {
    throw new Refused(
      `the master key ${file} belongs to user ${found.uid}, and this is user ${self}: run as its owner, or give it to this user`,
    );
  }
  if ((found.mode & 0o077) !== 0) {
    const mode = (found.mode & 0o777).toString(8);
    throw new Refused(
      `the master key ${file} can be read by others (mode ${mode}): \`chmod 600 ${file}\`, and think about who has read it`,
    );
  }
  try {
    return masterKey(readFileSync(file, 'utf8'));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new Refused(
      `${file}: ${error.message} (it has ${found.size} bytes). Restore it from your backup: another key opens nothing`,
    );
  }
}

/**
 * Makes a key where there is none, 0600 in a directory of 0700. True when it was made; an existing one is never
 * touched. Either way it is on the disk, name and all, before anything is derived from it: what is derived from a lost
 * key is lost.
 */
export function createKey(file: string): boolean {
  makePrivateDirectory(dirname(file));
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    return linkUnlessThere(draft, file);
  } finally {
    rmSync(draft);
    syncDirectory(dirname(file));
  }
}

/** Whether the link was made; an existing file is never touched. */
function linkUnlessThere(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** The file of the key that is to become the current one. */
export function nextKeyFile(file: string): string {
  return `${file}.next`;
}

/**
 * Every key of this machine, newest first: the next one, the current one, and a retired one put back for a while. The
 * next one is read first, because it may become the current one meanwhile: it is then seen twice rather than not at
 * all.
 */
export function openKeys(file: string): MasterKey[] {
  const keys = [openIfThere(nextKeyFile(file)), openKey(file), openIfThere(`${file}.back`)];
  return [...new Map(keys.flatMap((key) => (key ? [[key.id, key] as const] : []))).values()];
}

/** The keys of a deployment that are here, read anew when a key is wanted that was not here before. */
export function openKeyRing(file: string, deployment: KeyMemo): KeyRing {
  const [first] = keysOf(deployment);
  const read = () => openKeys(file);
  return new KeyRing(first?.id ?? deployment.keyId, read, () => openRetiredKeys(file));
}

/** The keys that were retired here, as far as they still lie beside the current one. */
export function openRetiredKeys(file: string): MasterKey[] {
  const prefix = `${basename(file)}.retired-`;
  const names = readdirSync(dirname(file)).filter((name) => name.startsWith(prefix));
  return names.flatMap((name) => openIfThere(join(dirname(file), name)) ?? []);
}

/**
 * Makes the next key the current one, with the previous one beside it as retired; does nothing when there is no next
 * one.
 */
export async function promoteKey(file: string): Promise<void> {
  await withLock(`${file}.lock`, () => {
    if (!existsSync(nextKeyFile(file))) return;
    const [before, next] = [openKey(file), openKey(nextKeyFile(file))];
    if (before.id !== next.id) linkUnlessThere(file, `${file}.retired-${before.id}`);
    syncDirectory(dirname(file));
    renameSync(nextKeyFile(file), file);
    syncDirectory(dirname(file));
  });
}

function openIfThere(file: string): MasterKey | undefined {
  try {
    return existsSync(file) ? openKey(file) : undefined;
  } catch (error) {
    if (error instanceof Refused && !existsSync(file)) return undefined; // Renamed since the look.
    throw error;
  }
}
