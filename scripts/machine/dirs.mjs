import { chmodSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout that this script belongs to. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The XDG cache directory of creel: everything in it can be had again. */
export const cacheDir = below('XDG_CACHE_HOME', '.cache');

/** The XDG state directory of creel: logs, and what is known about processes that were started. */
export const stateDir = below('XDG_STATE_HOME', '.local/state');

/** The XDG data directory of creel: what nobody can make again. */
export const dataDir = below('XDG_DATA_HOME', '.local/share');

/** A relative directory counts as unset, as XDG says and as src/settings/directories.ts reads it. */
function below(name, otherwise) {
  const set = process.env[name];
  return join(set && isAbsolute(set) ? set : join(homedir(), otherwise), 'creel');
}

/** Makes creel's own directories, readable by their owner only. */
export function makeDirs() {
  for (const dir of [cacheDir, stateDir, dataDir]) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    chmodSync(dir, 0o700);
  }
  mkdirSync(join(stateDir, 'logs'), { recursive: true, mode: 0o700 });
}

/** Where the output of one part of bootstrap goes. */
export function logPath(name) {
  return join(stateDir, 'logs', `bootstrap-${name}.log`);
}
