import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where creel keeps its own things on this machine. */
export type Directories = {
  readonly config: string;
  readonly data: string;
  readonly state: string;
  readonly cache: string;
};

/** The caller's XDG base directories, each with `creel` below it. A relative one counts as unset, as XDG demands. */
export function directories(env: NodeJS.ProcessEnv): Directories {
  const home = env['HOME'] || homedir();
  const below = (name: string, otherwise: string): string => {
    const set = env[name];
    return join(set !== undefined && isAbsolute(set) ? set : join(home, otherwise), 'creel');
  };
  return {
    config: below('XDG_CONFIG_HOME', '.config'),
    data: below('XDG_DATA_HOME', '.local/share'),
    state: below('XDG_STATE_HOME', '.local/state'),
    cache: below('XDG_CACHE_HOME', '.cache'),
  };
}
