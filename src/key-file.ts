import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Refused } from './domain/errors.js';
import { masterKey, type MasterKey } from './domain/token.js';

/** Reads the master key, or `Refused` with what is wrong with the file and what now: missing, too open, not ours, malformed. */
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

/** Makes a key where there is none, 0600 in a directory of 0700. True when it was made; one that exists is never touched. */
export function createKey(file: string): boolean {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft);
  }
}
