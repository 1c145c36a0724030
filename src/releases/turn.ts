import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pidSpace, withLock } from '../adapters/files/file-lock.js';
import { TurnedDown } from '../client/failure.js';

/**
 * Does the work in a directory that is its own meanwhile and gone afterwards, one at a time on this machine.
 * `TurnedDown` while another process is at it; what a dead one left is let go.
 */
export async function inTurn<T>(directory: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(path.dirname(directory), { recursive: true, mode: 0o700 });
  const lock = `${directory}.lock`; // The directory comes and goes with the note whose it is.
  await withLock(lock, () => take(directory));
  try {
    return await work();
  } finally {
    await withLock(lock, () => rmSync(directory, { recursive: true, force: true }));
  }
}

function take(directory: string): void {
  const holder = path.join(directory, 'process');
  const [said = '0', space = pidSpace()] = existsSync(holder) ? readFileSync(holder, 'utf8').split(' ') : [];
  const pid = Number(said);
  const isHere = space === pidSpace(); // After a boot the same id is somebody else's.
  if (pid > 0 && isHere && isAlive(pid))
    throw new TurnedDown(`process ${pid} tries a release here already: wait for it, then ask again`, 'Refused');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  writeFileSync(holder, `${process.pid} ${pidSpace()}`, { mode: 0o600 });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
