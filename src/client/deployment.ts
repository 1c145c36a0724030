import type { Client } from '@temporalio/client';
import { Refused } from '../domain/errors.js';
import { layout } from '../domain/gateway.js';
import { TurnedDown, unwrap } from './failure.js';
import { findDeployment } from './hold-deployment.js';

/** Which deployment the namespace belongs to, or `TurnedDown` naming `creel init`. Needs neither a worker nor a key. */
export async function readDeployment(client: Client): Promise<string> {
  const { namespace } = client.options;
  const found = await find(client);
  if (!found) {
    throw new TurnedDown(
      `namespace ${namespace} belongs to no deployment yet. Run \`creel init\` once, as the worker's user on the worker's machine`,
      'Refused',
    );
  }
  if (found.deployment.layout > layout) {
    throw new TurnedDown(
      `namespace ${namespace} was laid out by a newer creel (layout ${found.deployment.layout}, this one knows ${layout}). Use the creel that its workers run`,
      'Refused',
    );
  }
  return found.deployment.deployment;
}

async function find(client: Client): ReturnType<typeof findDeployment> {
  try {
    return await findDeployment(client);
  } catch (error) {
    if (error instanceof Refused) throw new TurnedDown(error.message, 'Refused', { cause: error });
    throw unwrap(error);
  }
}
