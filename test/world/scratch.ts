import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const memory = '/dev/shm';
const roomBytes = 1024 ** 3;

/** A new directory for a test: in memory where there is room, because a directory world writes a file for everything it does. */
export function scratchDirectory(prefix: string): string {
  return fs.mkdtempSync(path.join(hasRoom() ? memory : os.tmpdir(), prefix));
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = fs.statfsSync(memory);
    return bavail * bsize > roomBytes;
  } catch {
    return false; // Not every system has one.
  }
}
