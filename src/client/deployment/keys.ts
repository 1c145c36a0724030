import type { Client } from '@temporalio/client';
import { keysOf, type DeploymentKeys } from '../../domain/keys/deployment-keys.js';
import { namingsOf, type Naming } from '../../domain/fleet/key-naming.js';
import { deploymentWorkflowId, fleetWorkflowId } from '../../wire/ids.js';
import { keyUpdate, type KeyOrder } from '../../wire/deployment-keys.js';
import { isNotFound, NoWorker, unwrap } from '../failure.js';
import { readHeld } from './deployment.js';
import { seeRecords, seeThese } from '../fleet.js';
import { answerMs } from '../gateways.js';
import { patiently } from '../patience.js';
import { unpolled } from '../pollers.js';

/**
 * Tells the deployment about its keys, and returns them as they are then. `TurnedDown` when it does not take that now;
 * `NoWorker`.
 */
export async function tellDeployment(client: Client, order: KeyOrder): Promise<DeploymentKeys> {
  const handle = client.workflow.getHandle(deploymentWorkflowId);
  try {
    const tell = () => handle.executeUpdate(keyUpdate, { args: [order] });
    const meanwhile = 'start one with `creel worker`, and give the command again: it goes on where it was';
    return await patiently(client, tell, { withinMs: answerMs, meanwhile });
  } catch (error) {
    throw error instanceof NoWorker ? error : unwrap(error);
  }
}

/** Which gateway names which key, as recorded: maybe seconds old, and then an older key than the gateway's. */
export async function readNamings(client: Client, keys: DeploymentKeys): Promise<Naming[]> {
  return namingsOf(keys, await seeRecords(client));
}

/**
 * The gateways that name another key than this, the newest one, or that do not say. Each is asked itself, because a key
 * is retired once nobody names it.
 */
export async function askOthers(client: Client, keys: DeploymentKeys, id: string): Promise<Naming[]> {
  const recorded = (await readNamings(client, keys)).filter(({ keyId }) => keyId !== id);
  const asked = await seeThese(
    client,
    recorded.map(({ gateway }) => gateway),
  );
  return namingsOf(keys, asked).filter(({ keyId }) => keyId !== id);
}

/** `NoWorker` when there is no worker through which to tell a gateway or the deployment anything. */
export async function demandWorker(client: Client): Promise<void> {
  const lacking = await unpolled(client, undefined);
  if (lacking !== undefined) throw new NoWorker(`no worker: ${lacking}. Start one with \`creel worker\``);
}

/**
 * The run that moves the fleet to this key: the one under way, else the name of the next. The deployment counts these
 * runs, because a server forgets the ended ones, and a gateway would take a reused name for a request it already
 * answered.
 */
export async function findRekeying(
  client: Client,
  keyId: string,
): Promise<{ run: string; open: boolean; number: number }> {
  const runs = keysOf(await readHeld(client)).find(({ id }) => id === keyId)?.runs ?? 0;
  for (let number = Math.max(1, runs); ; number += 1) {
    const run = `key-${keyId}-${number}`;
    const open = await isOpen(client, fleetWorkflowId(run));
    if (open === true || (open === undefined && number > runs)) return { run, open: open === true, number };
  }
}

/** Whether a workflow is open; undefined when there is none. */
async function isOpen(client: Client, workflowId: string): Promise<boolean | undefined> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw unwrap(error);
  }
}
