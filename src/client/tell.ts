import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { taskQueue } from '../wire/ids.js';
import { defaultLimits } from '../wire/limits.js';
import { unwrap } from './failure.js';

/** What a person is to know. */
export type Word = { readonly id: string; readonly gateway: string; readonly title: string; readonly text: string };

/** Has a person told, once for each id, for as long as it takes until somebody acknowledges. */
export async function tellPerson(client: Client, { id, gateway, title, text }: Word): Promise<void> {
  const page = { id, gateway, title, text, at: new Date().toISOString() };
  try {
    await client.workflow.start('tellPerson', {
      workflowId: `page/${id}`,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      taskQueue,
      args: [{ page, limits: defaultLimits }],
      staticSummary: title,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw unwrap(error);
  }
}
