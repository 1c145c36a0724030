import type { Client } from '@temporalio/client';
import type { DeploymentEngine } from '../domain/deployment-engines.js';
import type { KnownEngine } from '../domain/whereabouts.js';
import { engineUpdate } from '../workflows/engine-requests.js';
import { deploymentWorkflowId } from '../workflows/ids.js';
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
