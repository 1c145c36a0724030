import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { deploymentWorkflowId } from '../workflows/ids.js';
import { isNotFound, TurnedDown, unwrap } from './failure.js';

const memoForm = z.object({ deployment: z.string().min(1), layout: z.literal(1) });

/** Which deployment the namespace belongs to, or `TurnedDown` naming `creel init`. Needs no worker. */
export async function readDeployment(client: Client): Promise<string> {
  const namespace = client.options.namespace;
  const memo = await readMemo(client);
  if (memo === undefined) {
    throw new TurnedDown(
      `namespace ${namespace} belongs to no deployment yet. Run \`creel init\` once, as the worker's user on the worker's machine`,
      'Refused',
    );
  }
  const parsed = memoForm.safeParse(memo);
  if (parsed.success) return parsed.data.deployment;
  throw new TurnedDown(
    `the deployment of namespace ${namespace} is of a layout that this creel does not know. Use the creel that its workers run`,
    'Refused',
  );
}

async function readMemo(client: Client): Promise<unknown> {
  try {
    return (await client.workflow.getHandle(deploymentWorkflowId).describe()).memo ?? {};
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw unwrap(error);
  }
}
