import type { Client } from '@temporalio/client';
import type { z } from 'zod';
import { unwrap } from '../failure.js';

/** Runs that are looked through for the last one that was no dry run. */
const lookedThrough = 500;

/**
 * What the last run of a type that has ended and was no dry run came to; undefined where there is none, or its result
 * has another form. As visibility has it.
 */
export async function lastResult<T>(
  client: Client,
  type: 'sweep' | 'reconcile',
  form: z.ZodType<T>,
): Promise<T | undefined> {
  const query = `WorkflowType = '${type}' AND ExecutionStatus = 'Completed'`;
  let seen = 0;
  try {
    for await (const { workflowId, runId, memo } of client.workflow.list({ query, pageSize: 50 })) {
      seen += 1;
      if (seen > lookedThrough) return undefined;
      if (memo?.['dryRun'] === true) continue;
      const { data } = form.safeParse(await client.workflow.getHandle(workflowId, runId).result());
      if (data) return data;
    }
    return undefined;
  } catch (error) {
    throw unwrap(error);
  }
}
