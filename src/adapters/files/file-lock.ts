import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Holding the lock takes milliseconds; a holder older than this is dead, even if its process id is in use again. */
const staleMs = 60_000;
const waitMs = 10_000;
const paceMs = 20;

/**
 * Runs `act` while no other process does so under the same lock file. A dead holder is passed over: at once where its
 * process ids mean the same as ours, otherwise (another container, or another machine that shares the directory) once
 * its lock is old. What is held for minutes, and before anything is compiled, has another: scripts/machine/lock.mjs.
 */
export async function withLock<T>(file: string, act: () => T): Promise<T> {
  const mine = `${process.pid} ${randomBytes(8).toString('hex')} ${pidSpace()}`;
  const end = Date.now() + waitMs;
  while (!take(file, mine)) {
    if (Date.now() > end)
      throw new Error(`${file} is held by process ${read(file)?.split(' ')[0] ?? 'unknown'} for over ${waitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, paceMs));
  }
  try {
    return act();
  } finally {
    if (read(file) === mine) rmSync(file, { force: true });
  }
}

function take(file: string, mine: string): boolean {
  if (create(file, mine)) return true;
  const holder = read(file);
  if (holder === undefined || !isDead(file, holder)) return false;
  setAside(file, holder);
  return create(file, mine);
}

/** Moves a dead holder's lock away, and puts it back if it turns out to be a living one's. */
function setAside(file: string, holder: string): void {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  if (!tolerate('ENOENT', () => renameSync(file, aside))) return;
  if (read(aside) !== holder) tolerate('EEXIST', () => linkSync(aside, file));
  rmSync(aside, { force: true });
}

/** Makes the lock with its content or not at all, so that nobody reads a lock without a holder. */
function create(file: string, mine: string): boolean {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, mine, { mode: 0o600, flag: 'wx' });
  try {
    return tolerate('EEXIST', () => linkSync(draft, file));
  } finally {
    rmSync(draft, { force: true });
  }
}

function isDead(file: string, holder: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found && Date.now() - found.mtimeMs > staleMs) return true;
  const [pid, , space] = holder.split(' ');
  if (space !== undefined && space !== pidSpace()) return false; // Its process id means nothing here.
  return !tolerate('ESRCH', () => tolerate('EPERM', () => process.kill(Number(pid), 0)));
}

/**
 * Names the space in which a process id means the same process as here: one boot of one kernel, and one namespace of
 * it.
 */
export function pidSpace(): string {
  const boot = told(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const namespace = told(() => readlinkSync('/proc/self/ns/pid'));
  return [hostname(), boot, namespace].join('/').replaceAll(/\s/g, '-');
}

/** What the system answers; empty on a system that does not know the question. */
function told(ask: () => string): string {
  try {
    return ask();
  } catch {
    return '';
  }
}

function read(file: string): string | undefined {
  let text: string | undefined;
  tolerate('ENOENT', () => {
    text = readFileSync(file, 'utf8');
  });
  return text;
}

/** Whether `act` succeeded; false when it failed with this code. Any other failure is thrown. */
function tolerate(code: string, act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return false;
    throw error;
  }
}
