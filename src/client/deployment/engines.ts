import type { Client } from '@temporalio/client';
import type { DeploymentEngine, RenamedEngine } from '../../domain/hosts/deployment-engines.js';
import type { Place } from '../../domain/hosts/place.js';
import type { KnownEngine } from '../../domain/hosts/whereabouts.js';
import { engineRenamedUpdate, engineUpdate, type RenameInput } from '../../wire/deployment-engines.js';
import { deploymentWorkflowId, renamedWorkflowId, taskQueue } from '../../wire/ids.js';
import { defaultLimits } from '../../wire/limits.js';
import { readHeld } from './deployment.js';
import { TurnedDown, unwrap } from '../failure.js';
import { list, placeOn } from '../gateways.js';
import { findDeployment } from './hold-deployment.js';
import { isAttended, wasAttended } from '../pollers.js';

/** Every engine that a worker of the deployment has ever served, and whether one serves it now. Needs no worker. */
export async function knownEngines(client: Client): Promise<KnownEngine[]> {
  const found = await findDeployment(client);
  return attended(client, found?.deployment.engines ?? []);
}

/** The same for the given engines. */
export async function attended(client: Client, engines: readonly DeploymentEngine[]): Promise<KnownEngine[]> {
  return Promise.all(
    engines.map(async ({ engine, host, was }) => {
      const [now, lately] = await Promise.all([isAttended(client, engine), wasAttended(client, engine)]);
      const known = { engine, host, attended: now, lately };
      return was ? { ...known, was } : known;
    }),
  );
}

/** `TurnedDown` when a worker serves the engine now, or did minutes ago: such an engine is not gone. */
export async function demandUnattended(client: Client, engine: string): Promise<void> {
  if (!(await wasAttended(client, engine))) return;
  throw new TurnedDown(
    `a worker stands beside engine ${engine}, or did minutes ago: it is not gone. End that worker first; see docs/runbook.md#engine-gone-for-good`,
    'Refused',
  );
}

/** The ids of all gateways that stand on an engine, removed ones too, as visibility has them. */
export async function* standingOn(client: Client, engine: string): AsyncGenerator<string> {
  for await (const { gateway } of list(client, `GatewayHost = '${engine}'`)) yield gateway;
}

/** Tells the deployment that an engine has a new id. */
export async function tellRenamed(client: Client, renamed: RenamedEngine): Promise<void> {
  const handle = client.workflow.getHandle(deploymentWorkflowId);
  try {
    await handle.executeUpdate(engineRenamedUpdate, { args: [renamed] });
  } catch (error) {
    throw unwrap(error);
  }
}

/**
 * Has the worker beside an engine prove that it is the one once known by a former id, and tells the deployment. Returns
 * how many gateways proved it; `TurnedDown` with what speaks against it.
 */
export async function renameEngine(client: Client, renamed: RenamedEngine): Promise<number> {
  const { deployment } = await readHeld(client);
  if (!(await isAttended(client, renamed.engine)))
    throw new TurnedDown(`no worker stands beside engine ${renamed.engine}: start it first`, 'Refused');
  try {
    return await client.workflow.execute<(input: RenameInput) => Promise<number>>('renameEngine', {
      workflowId: renamedWorkflowId(renamed.former),
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue,
      args: [{ layout: 1, deployment, ...renamed, limits: defaultLimits }],
      staticSummary: `engine ${renamed.former} is ${renamed.engine} now`,
    });
  } catch (error) {
    throw unwrap(error);
  }
}

/**
 * Every engine of the deployment, whether a worker serves it now, and how many gateways on it are not removed, as
 * visibility has them.
 */
export async function listEngines(client: Client): Promise<(KnownEngine & { was: string[]; gateways: number })[]> {
  const { engines = [] } = await readHeld(client);
  return Promise.all(
    engines.map(async ({ engine, host, was = [] }) => {
      const ids = [engine, ...was].map((id) => `'${id}'`).join(', ');
      const query = `WorkflowType = 'gateway' AND ExecutionStatus = 'Running' AND GatewayHost IN (${ids}) AND GatewayPhase != 'removed'`;
      const { count } = await client.workflow.count(query);
      return { engine, host, was: [...was], attended: await isAttended(client, engine), gateways: count };
    }),
  );
}

/** Tells the deployment, and through it every other worker, that an engine is served. */
export async function tellServed(client: Client, served: DeploymentEngine): Promise<void> {
  await client.workflow.getHandle(deploymentWorkflowId).executeUpdate(engineUpdate, { args: [served] });
}

/**
 * The place of exactly this engine, or `TurnedDown`: on one that no worker ever served, a request would wait for ever.
 */
export async function placeServed(client: Client, engine: string): Promise<Place> {
  const place = placeOn(engine);
  const { engines = [] } = await readHeld(client);
  if (engines.some((each) => each.engine === engine)) return place;
  const now = engines.find(({ was }) => was?.includes(engine));
  if (now) throw new TurnedDown(`engine ${engine} is known as engine ${now.engine} now: say that one`, 'Refused');
  const known = engines.map((each) => `${each.engine} on ${each.host}`).join(', ') || 'none';
  throw new TurnedDown(
    `no worker ever served engine ${engine}. Those there are: ${known}. Start a worker beside it first; see docs/runbook.md#engine-not-on-record`,
    'Refused',
  );
}

/** The place on a host of this name, as `creel engine list` shows it, or `TurnedDown` naming those there are. */
export async function placeOnHost(client: Client, host: string): Promise<Place> {
  const { engines = [] } = await readHeld(client);
  const [found, another] = engines.filter((each) => each.host === host);
  if (another)
    throw new TurnedDown(
      `host ${host} had more than one engine: ${found?.engine}, ${another.engine}. Name the one that is meant with --engine`,
      'Refused',
    );
  if (found) return { ...placeOn(found.engine), host };
  const known = engines.map((each) => each.host).join(', ') || 'none';
  throw new TurnedDown(
    `no worker ever served a host ${host}. Those there are: ${known}. Name it in the hosts.toml of a worker first; see docs/runbook.md#host-not-on-record`,
    'Refused',
  );
}
