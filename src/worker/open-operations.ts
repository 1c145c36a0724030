import type { Client } from '@temporalio/client';

/** Ids of the workflows whose id starts with `prefix` and that are still open, as visibility knows them: seconds behind at worst. */
export function openOperations(client: Client): (prefix: string) => Promise<string[]> {
  return async (prefix) => {
    const query = `WorkflowId STARTS_WITH "${prefix}" AND ExecutionStatus = "Running"`;
    const ids: string[] = [];
    for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
    return ids;
  };
}
