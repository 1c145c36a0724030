import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { restartWorkflowId, taskQueue } from '../../wire/ids.js';
import type { RestartInput, RestartResult } from '../../wire/restart.js';
import { unwrap } from '../failure.js';

/** Has the gateways on an engine that began anew proved again; nothing when somebody has asked for this start of it already. */
export async function proveRestarted(client: Client, input: RestartInput): Promise<void> {
  const { engine, host, upSince } = input;
  try {
    await client.workflow.start<(input: RestartInput) => Promise<RestartResult>>('proveRestarted', {
      workflowId: restartWorkflowId(engine, upSince),
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      taskQueue,
      args: [input],
      staticSummary: `host ${host} was started at ${upSince}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw unwrap(error);
  }
}
