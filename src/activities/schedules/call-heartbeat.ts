import { Refused } from '../../domain/errors.js';
import type { Deps } from '../../world/deps.js';

/** Calls the URL of the settings: the server, this worker and its way out work. `Refused` where they name none. */
export async function callHeartbeat(deps: Deps): Promise<void> {
  if (deps.heartbeat) return deps.heartbeat.beat();
  throw new Refused(
    'this worker has no URL to call. Write it into schedules.toml on its machine, as [heartbeat] url, and start it again; or `creel schedules apply` with a file that has none takes the heartbeat away',
  );
}
