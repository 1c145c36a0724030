import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';

/** A process that can be recognised for certain: its id may be reused, its time of birth is not. */
export type OwnProcess = { readonly pid: number; readonly born: string };

/** The living process of this id; undefined when there is none. */
export function processOf(pid: number): OwnProcess | undefined {
  const born = existsSync('/proc/self/stat') ? bornByProc(pid) : bornByPs(pid);
  return born === undefined ? undefined : { pid, born };
}

/** Whether this very process is still alive. */
export function lives(process: OwnProcess): boolean {
  return processOf(process.pid)?.born === process.born;
}

/** The processes whose arguments match. */
export function findProcesses(
  fits: (argv: readonly string[]) => boolean,
): (OwnProcess & { readonly argv: readonly string[] })[] {
  const all = existsSync('/proc/self/cmdline') ? argvByProc() : argvByPs();
  return all.flatMap(([pid, argv]) => {
    const found = fits(argv) ? processOf(pid) : undefined;
    return found ? [{ ...found, argv }] : [];
  });
}

/**
 * Asks a process to end, forces it after `graceMs`, and waits until it is gone. One that is gone already is success.
 */
export async function endProcess(process: OwnProcess, graceMs: number): Promise<void> {
  for (const [signal, limitMs] of [
    ['SIGTERM', graceMs],
    ['SIGKILL', 10_000],
  ] as const) {
    if (!lives(process)) return;
    send(process.pid, signal);
    const until = performance.now() + limitMs;
    while (lives(process) && performance.now() < until) await after(50);
  }
  if (lives(process)) throw new Error(`process ${process.pid} does not end, not even by SIGKILL`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/**
 * Field 22 of stat, in ticks since the machine started; the name in field 2 may contain anything. A zombie counts as
 * gone.
 */
function bornByProc(pid: number): string | undefined {
  const stat = readOrNothing(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' ? undefined : fields?.[19];
}

function bornByPs(pid: number): string | undefined {
  return ps(['-o', 'lstart=', '-p', String(pid)]).trim() || undefined;
}

function argvByProc(): [number, string[]][] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const line = readOrNothing(`/proc/${name}/cmdline`);
      return line ? [[Number(name), line.split('\0').slice(0, -1)]] : [];
    });
}

function argvByPs(): [number, string[]][] {
  return ps(['-xww', '-o', 'pid=,args='])
    .split('\n')
    .flatMap((line) => {
      const [pid, ...argv] = line.trim().split(/\s+/);
      return pid ? [[Number(pid), argv]] : [];
    });
}

/** What ps prints; nothing when it finds no process, which it reports as a failure. */
function ps(argv: readonly string[]): string {
  try {
    return execFileSync('ps', [...argv], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

/** The content of a file about a process, which may end meanwhile. */
function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
