import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** When the process with this id began, in a form that only compares equal for the same process; undefined when there is none. */
export function bornAt(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return bornAccordingToPs(pid);
  }
}

function bornAccordingToPs(pid) {
  try {
    return (
      execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim() || undefined
    );
  } catch {
    return undefined;
  }
}

/** Whether the process that was noted as { pid, born } still lives; a recycled id does not count. */
export function lives(noted) {
  return noted !== undefined && bornAt(noted.pid) === noted.born;
}

/** Where a process id means the same process as here: one boot of one kernel, and one namespace of it. */
export function pidSpace() {
  const boot = told(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const namespace = told(() => readlinkSync('/proc/self/ns/pid'));
  return [hostname(), boot, namespace].join('/');
}

/** What a system tells that has it; empty on one that has not. */
function told(ask) {
  try {
    return ask();
  } catch {
    return '';
  }
}
