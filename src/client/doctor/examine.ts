import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { examineWorkflowId, taskQueue } from '../../wire/ids.js';
import type { Examined, ExamineInput, LimitedState } from '../../wire/examination.js';
import { defaultLimits } from '../../wire/limits.js';
import { unwrap } from '../failure.js';
import { answerOf } from '../looks.js';

/** How long one worker may take, a page included. */
const limit = '2 minutes';

/** What is asked for beside: a page, what these states take; the fence is looked at unless it says no. */
type Asked = { readonly page?: boolean; readonly states?: readonly LimitedState[]; readonly fence?: boolean };

/** What the worker beside an engine says, and how far our clock is before Temporal's. `NoWorker`, `TurnedDown`. */
export async function examine(
  client: Client,
  engine: string,
  { page = false, states = [], fence = true }: Asked = {},
): Promise<{ told: Examined; aheadMs: number }> {
  const nonce = randomBytes(4).toString('hex');
  const input: ExamineInput = {
    engine,
    limits: defaultLimits,
    ...(page && { page: `doctor/${nonce}` }),
    ...(states.length > 0 && { states }),
    ...(!fence && { fence }),
  };
  try {
    const askedAt = Date.now();
    const handle = await client.workflow.start('examineEngine', {
      workflowId: examineWorkflowId(engine, nonce),
      taskQueue,
      args: [input],
      workflowExecutionTimeout: limit,
      staticSummary: `look over engine ${engine}`,
    });
    const took = Date.now() - askedAt;
    const { startTime } = await handle.describe();
    const told = await answerOf<Examined>(client, handle, { provider: 'local', host: 'local', engine });
    return { told, aheadMs: askedAt + took / 2 - startTime.getTime() };
  } catch (error) {
    throw unwrap(error);
  }
}
