import type { Client } from '@temporalio/client';
import type { DeploymentEngine } from '../domain/deployment-engines.js';
import type { Place } from '../domain/gateway.js';
import type { KnownEngine } from '../domain/whereabouts.js';
import { engineUpdate } from '../workflows/engine-requests.js';
import { deploymentWorkflowId } from '../workflows/ids.js';
import { readHeld } from './deployment.js';
import { TurnedDown } from './failure.js';
import { placeOn } from './gateways.js';
import { findDeployment } from './hold-deployment.js';
import { isAttended } from './pollers.js';

/** Every engine that a worker of the deployment has served, and whether one does now. Needs no worker. */
export async function knownEngines(client: Client): Promise<KnownEngine[]> {
  const found = await findDeployment(client);
  return attended(client, found?.deployment.engines ?? []);
}

/** The same of these engines. */
export async function attended(client: Client, engines: readonly DeploymentEngine[]): Promise<KnownEngine[]> {
  return Promise.all(
    engines.map(async ({ engine, host }) => ({ engine, host, attended: await isAttended(client, engine) })),
  );
}

/** Tells the deployment that a worker serves an engine, so that others know of it. */
export async function tellServed(client: Client, served: DeploymentEngine): Promise<void> {
  await client.workflow.getHandle(deploymentWorkflowId).executeUpdate(engineUpdate, { args: [served] });
}

/** The place of exactly this engine, or `TurnedDown`: on one that no worker ever served whatever is asked would wait for ever. */
export async function placeServed(client: Client, engine: string): Promise<Place> {
  const place = placeOn(engine);
  const { engines = [] } = await readHeld(client);
  if (engines.some((each) => each.engine === engine)) return place;
  const known = engines.map((each) => `${each.engine} on ${each.host}`).join(', ') || 'none';
  throw new TurnedDown(
    `no worker ever served engine ${engine}. Those there are: ${known}. Start a worker beside it first; see docs/runbook.md#engine-not-on-record`,
    'Refused',
  );
}
