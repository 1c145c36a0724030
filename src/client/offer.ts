import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Gateway } from '../domain/gateway/gateway.js';
import { offerWorkflowId, taskQueue } from '../wire/ids.js';
import { defaultLimits } from '../wire/limits.js';
import type { ProbeInput } from '../wire/operation.js';
import { unwrap } from './failure.js';
import { answerOf } from './looks.js';

/** How long it may take. */
const limit = '1 minute';

/**
 * What the machine of a gateway would be and cost, as its seller says now. `TurnedDown` when the gateway's first step
 * would refuse it; `NoWorker`.
 */
export async function findOffer(client: Client, gateway: Gateway): Promise<string> {
  const input: ProbeInput = { gateway, limits: defaultLimits };
  try {
    const handle = await client.workflow.start('offerMachine', {
      workflowId: offerWorkflowId(randomBytes(6).toString('hex')),
      taskQueue,
      args: [input],
      workflowExecutionTimeout: limit,
      staticSummary: `what a machine for ${gateway.mark.gateway} costs`,
    });
    return await answerOf<string>(client, handle, { provider: 'local', host: 'local' });
  } catch (error) {
    throw unwrap(error);
  }
}
