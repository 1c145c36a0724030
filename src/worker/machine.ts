import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';

/** The name of a worker in the server's list of pollers. */
export type Machine = { readonly boot: string; readonly identity: string };

/**
 * The machine of this process, until it shuts down: the id that its kernel made at boot. A cloned disk carries
 * everything on it, even the machine's own id; this id is on no disk.
 */
export async function thisMachine(): Promise<Machine> {
  const boot = (await bootId()).replaceAll(/[^0-9A-Za-z]/g, '').slice(0, 16);
  return { boot, identity: `creel ${process.pid}@${hostname()} boot ${boot}` };
}

/** Who a worker is on the queue of an engine that it reaches over SSH: any worker may serve that, under the host's name. */
export function overSsh(host: string): Machine {
  return { boot: `ssh ${host}`, identity: `creel ${process.pid}@${hostname()} ssh ${host}` };
}

/**
 * The boot of the machine that a poller names, or `ssh` and the host that it reaches; undefined for a worker of an older
 * creel, which names neither.
 */
export function bootOf(identity: string): string | undefined {
  const [, boot, host] = / (?:boot (\w+)|(ssh [\w-]+))$/.exec(identity) ?? [];
  return boot ?? host;
}

async function bootId(): Promise<string> {
  try {
    return await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  } catch {
    return bootSession(); // Not Linux.
  }
}

async function bootSession(): Promise<string> {
  try {
    return (await promisify(execFile)('sysctl', ['-n', 'kern.bootsessionuuid'])).stdout;
  } catch {
    return hostname(); // Two machines of one name then count as one.
  }
}
