import { WorkflowNotFoundError, type Client } from '@temporalio/client';

/** Ids of the workflows whose id starts with `prefix` and that are still open: visibility finds them, seconds behind at worst, and each says itself whether it is. */
export function openOperations(client: Client): (prefix: string) => Promise<string[]> {
  return async (prefix) => {
    const query = `WorkflowId STARTS_WITH "${prefix}" AND ExecutionStatus = "Running"`;
    const ids: string[] = [];
    for await (const { workflowId } of client.workflow.list({ query }))
      if (await isOpen(client, workflowId)) ids.push(workflowId);
    return ids;
  };
}

async function isOpen(client: Client, workflowId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
