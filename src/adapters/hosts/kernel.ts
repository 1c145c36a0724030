import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import type { Route } from '../../domain/hosts/slot.js';
import { gatewayUser } from '../../domain/thresholds.js';
import type { HostFacts } from '../../ports/host-provider.js';

type Facts = Pick<HostFacts, 'availableMemoryMb' | 'routes' | 'watchers'>;

/** How a machine's kernel is seen; undefined where it cannot be. */
export type KernelLook = {
  /** `/proc/meminfo`. */
  readonly memory: () => Promise<string | undefined>;
  /** `/proc/net/route`. */
  readonly routes: () => Promise<string | undefined>;
  readonly watchers: () => Promise<HostFacts['watchers']>;
};

/** What a kernel has. Undefined when it is not the engine's kernel, which has another amount of memory. */
export async function kernelOf(engineBytes: number, look: KernelLook): Promise<Facts> {
  const memory = (await look.memory()) ?? '';
  const kilobytes = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(memory)?.[1]);
  if (kilobytes('MemTotal') * 1024 !== engineBytes)
    return { availableMemoryMb: undefined, routes: undefined, watchers: undefined };
  const available = Math.floor(kilobytes('MemAvailable') / 1024);
  const [table, watchers] = await Promise.all([look.routes(), look.watchers()]);
  const routes = table === undefined ? undefined : parseRoutes(table);
  return { availableMemoryMb: Number.isNaN(available) ? undefined : available, routes, watchers };
}

/** The kernel of this machine. */
export const thisKernel: KernelLook = {
  memory: () => readText('/proc/meminfo'),
  routes: () => readText('/proc/net/route'),
  watchers: readWatchers,
};

/** Interfaces of an engine's own networks: it will not give their subnets to another one anyway. */
const engineInterface = /^(?:docker\d+|br-[0-9a-f]{12}|veth[0-9a-f]+)$/;

/**
 * The networks that a machine reaches, without its default route and without what leads to containers, from its
 * `/proc/net/route`: addresses in hexadecimal, in the machine's own byte order, which is little-endian where creel runs.
 */
export function parseRoutes(table: string): Route[] {
  return table
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => line.split('\t'))
    .flatMap(([device = '', destination = '', , , , , , mask = '']) => {
      if (engineInterface.test(device) || device === 'lo') return [];
      const length = bytesOf(mask).reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
      if (length === 0) return [];
      return [{ cidr: `${bytesOf(destination).join('.')}/${length}`, device }];
    });
}

function bytesOf(hexadecimal: string): number[] {
  return [6, 4, 2, 0].map((at) => Number.parseInt(hexadecimal.slice(at, at + 2), 16));
}

/**
 * The inotify instances that a gateway's user may have, and has; undefined where not all of its processes can be seen.
 */
async function readWatchers(): Promise<HostFacts['watchers']> {
  const limit = Number(await readText('/proc/sys/fs/inotify/max_user_instances'));
  if (!Number.isInteger(limit) || limit === 0) return undefined;
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  let used = 0;
  for (const id of processes) {
    const held = await watchersOf(id);
    if (held === 'hidden') return { limit, used: undefined };
    used += held;
  }
  return { limit, used };
}

async function watchersOf(id: string): Promise<number | 'hidden'> {
  try {
    if ((await stat(`/proc/${id}`)).uid !== gatewayUser) return 0;
    const files = await readdir(`/proc/${id}/fd`);
    const links = await Promise.all(files.map((file) => readlink(`/proc/${id}/fd/${file}`).catch(() => '')));
    return links.filter((link) => link === 'anon_inode:inotify').length;
  } catch (error) {
    return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM')
      ? 'hidden'
      : 0; // It ended meanwhile.
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}
