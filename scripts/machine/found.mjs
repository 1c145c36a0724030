import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir } from './dirs.mjs';

const path = join(cacheDir, 'found.json');

/** Notes for the rest of creel what was found; readers see the old note or the new one, never half of one. */
export function writeFound(found) {
  const text = `${JSON.stringify(found, null, 2)}\n`;
  if (current() === text) return;
  writeFileSync(`${path}.${process.pid}`, text, { mode: 0o600 });
  renameSync(`${path}.${process.pid}`, path);
}

function current() {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
