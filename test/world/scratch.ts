import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const memory = '/dev/shm';
const roomBytes = 1024 ** 3;

const made: string[] = [];

/**
 * A new directory for a test: in memory where there is room, because a directory world writes a file for everything it
 * does. It goes with the file of tests that made it, at the latest.
 */
export function scratchDirectory(prefix: string): string {
  const directory = fs.mkdtempSync(path.join(hasRoom() ? memory : os.tmpdir(), prefix));
  made.push(directory);
  return directory;
}

/** Removes what is left of the directories that this file of tests has made. A process that is just ending may still write there. */
export function removeScratch(): void {
  for (const each of made.splice(0)) fs.rmSync(each, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = fs.statfsSync(memory);
    return bavail * bsize > roomBytes;
  } catch {
    return false; // Not every system has one.
  }
}
