import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';

/** What a worker is called where the server lists who polls. */
export type Machine = { readonly boot: string; readonly identity: string };

/**
 * The machine of this process, for as long as it is up: the id that its kernel made when it booted. A disk is cloned with
 * everything that is on it, the machine's own id too; this one is not on any disk.
 */
export async function thisMachine(): Promise<Machine> {
  const boot = (await bootId()).replaceAll(/[^0-9A-Za-z]/g, '').slice(0, 16);
  return { boot, identity: `creel ${process.pid}@${hostname()} boot ${boot}` };
}

/** Which boot of which machine a poller says it is; undefined for a worker of an older creel, which does not say. */
export function bootOf(identity: string): string | undefined {
  return / boot (\w+)$/.exec(identity)?.[1];
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
    return hostname(); // Two machines of one name are then taken for one.
  }
}
