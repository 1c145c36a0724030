import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { Owner } from '../../domain/sweep/owner.js';
import { ownerIn } from '../../wire/owner.js';
import { gatewayWorkflowId } from '../../wire/ids.js';
import { isNotFound, unwrap } from '../failure.js';
import { ask } from '../gateways.js';

/**
 * What the record of a gateway says of what carries its mark, asked by its exact id. A record that has ended by itself
 * still answers; one that was ended from outside is no proof of anything. `NoWorker` when nobody answers.
 */
export async function findOwner(client: Client, gateway: string): Promise<Owner> {
  const status = await statusOf(client, gateway);
  if (status === undefined) return { is: 'unknown' };
  if (status !== 'RUNNING' && status !== 'COMPLETED')
    return { is: 'ended', how: status.toLowerCase().replace('_', ' ') };
  return ownerIn(await ask(client, gateway));
}

async function statusOf(client: Client, gateway: string): Promise<WorkflowExecutionInfo['status']['name'] | undefined> {
  try {
    return (await client.workflow.getHandle(gatewayWorkflowId(gateway)).describe()).status.name;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw unwrap(error);
  }
}
