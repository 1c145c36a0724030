import type { Client } from '@temporalio/client';
import { keysOf, nameOfNewest } from '../../domain/keys/deployment-keys.js';
import { Refused } from '../../domain/errors.js';
import { layout } from '../../domain/gateway/gateway.js';
import { TurnedDown, unwrap } from '../failure.js';
import { findDeployment, type Deployment } from './hold-deployment.js';

/**
 * The deployment that the namespace belongs to, or `TurnedDown` naming `creel init`. Needs neither a worker nor a key.
 */
export async function readDeployment(client: Client): Promise<string> {
  return (await readHeld(client)).deployment;
}

/** The newest key, from which everything new is derived, as a record names it. */
export async function readNewestKey(client: Client): Promise<{ readonly keyId?: string }> {
  return nameOfNewest(keysOf(await readHeld(client)));
}

/** What the namespace says of its deployment, or `TurnedDown`. */
export async function readHeld(client: Client): Promise<Deployment> {
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
  return found.deployment;
}

async function find(client: Client): ReturnType<typeof findDeployment> {
  try {
    return await findDeployment(client);
  } catch (error) {
    if (error instanceof Refused) throw new TurnedDown(error.message, 'Refused', { cause: error });
    throw unwrap(error);
  }
}
