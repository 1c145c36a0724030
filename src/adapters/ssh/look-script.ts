import { z } from 'zod';
import { gatewayUser } from '../../domain/thresholds.js';
import type { HostFacts } from '../../ports/host-provider.js';
import { containerdConfig, containerdRoot, ownContainerd } from '../docker/disk.js';
import type { EngineInfo } from '../docker/facts.js';
import type { MachineLook } from '../hosts/read-host.js';

/** What a shell reads from its input, whoever's login shell begins it; the directories are its arguments. */
export const lookCommand = (directories: readonly string[]) => ['sh', '-s', '--', ...directories].join(' ');

/** A directory that needs no quoting in any shell; of another one the free disk is not known. */
const plainPath = z.string().regex(/^\/[A-Za-z0-9_./-]*$/);

/** The directories whose free disk may matter to an engine. */
export function directoriesOf(info: EngineInfo): string[] {
  const all = [info.DockerRootDir, ownContainerd(info), containerdRoot];
  return all.filter((directory) => plainPath.safeParse(directory).success);
}

/**
 * Tells what a machine has, in parts under headings. POSIX sh; it changes nothing and needs no rights: what it may not
 * see it leaves out. A process of the gateways' user whose files are hidden says so, and its watchers are then unknown.
 */
export const lookScript = `
export LC_ALL=C
echo '== memory'; cat /proc/meminfo
echo '== routes'; cat /proc/net/route
echo '== limit'; cat /proc/sys/fs/inotify/max_user_instances
echo '== watchers'
ls -ldn /proc/[0-9]* 2>/dev/null | awk '$3 == ${gatewayUser} { print $NF }' | while read -r process; do
  ls -l "$process/fd" 2>&1 | awk '/anon_inode:inotify/ { held++ } /^ls: .*(denied|not permitted)/ { hidden = 1 } END { print hidden ? "hidden" : held + 0 }'
done
echo '== containerd'; cat ${containerdConfig} 2>/dev/null
echo '== disk'
for directory in "$@"; do df -Pk "$directory" 2>/dev/null | awk -v of="$directory" 'NR == 2 { print $(NF-2), of }'; done
echo '== end'
`;

/** A machine as the script tells it; nothing is known of one that told nothing, or not all. */
export function readLook(told: string): MachineLook {
  const parts = told.split(/^== /m).map((part) => [part.split('\n', 1)[0] ?? '', part.slice(part.indexOf('\n') + 1)]);
  const all: Record<string, string> = Object.fromEntries(parts);
  const seen = 'end' in all ? all : {};
  const free = new Map(
    (seen['disk'] ?? '').split('\n').map((line) => {
      const [kilobytes = '', directory = ''] = line.split(' ');
      return [directory, Number(kilobytes) * 1024] as const;
    }),
  );
  return {
    memory: async () => seen['memory'],
    routes: async () => seen['routes'],
    watchers: async () => watchersOf(seen['limit'] ?? '', seen['watchers'] ?? ''),
    freeBytes: async (directory) => free.get(directory),
    containerdConfig: async () => seen['containerd'],
  };
}

function watchersOf(limitText: string, told: string): HostFacts['watchers'] {
  const limit = Number(limitText);
  if (!Number.isInteger(limit) || limit === 0) return undefined;
  const held = told.split('\n').filter((line) => line !== '');
  if (held.includes('hidden')) return { limit, used: undefined };
  return { limit, used: held.reduce((sum, line) => sum + Number(line), 0) };
}
