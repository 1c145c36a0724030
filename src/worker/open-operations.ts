import { WorkflowNotFoundError, type Client } from '@temporalio/client';

/**
 * Ids of the open workflows whose id starts with `prefix`. Visibility finds them, at worst seconds late, and each
 * workflow itself says whether it is open.
 */
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
