import path from 'node:path';
import { createFile } from '../world/directory-files.js';
import type { Activities } from '../../src/activities/activities.js';

/** When a worker is made to die: after the effect of an activity and before its report, once per world. */
export type Crash = { readonly after: string };

/** The activities, one of which ends its own process right after its effect, the first time it runs in this world. */
export function crashing(activities: Activities, root: string, crash: Crash | undefined): Activities {
  if (!crash) return activities;
  const wrap = (name: string, activity: (input: never) => Promise<unknown>) => async (input: never) => {
    const value = await activity(input);
    if (name === crash.after && createFile(path.join(root, 'crashes', name), '')) {
      process.kill(process.pid, 'SIGKILL');
      await new Promise(() => undefined); // The signal ends this process before anything is reported.
    }
    return value;
  };
  return Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [name, wrap(name, activity as (input: never) => Promise<unknown>)]),
  ) as Activities;
}
