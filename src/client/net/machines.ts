import type { Client } from '@temporalio/client';
import { machineIn, type OnMachine } from '../../domain/hosts/region.js';
import { gatewayWorkflowId } from '../../wire/ids.js';
import { gatewayPhaseKey } from '../../wire/search-attributes.js';
import { unwrap } from '../failure.js';
import { fleetMemoForm } from '../follow/payloads.js';

/** The gateways that stand on machines of their own, removed ones too, as their memos say: maybe some seconds old. */
export async function* onMachines(client: Client): AsyncGenerator<OnMachine> {
  const query = `WorkflowType = 'gateway' AND ExecutionStatus = 'Running'`;
  try {
    for await (const { workflowId, memo, typedSearchAttributes } of client.workflow.list({ query, pageSize: 1_000 })) {
      const { data } = fleetMemoForm.safeParse(memo?.['fleet']);
      const at = data && machineIn(data.place);
      if (!at) continue;
      const gateway = workflowId.slice(gatewayWorkflowId('').length);
      const phase = typedSearchAttributes.get(gatewayPhaseKey) ?? 'unknown';
      yield { gateway, birth: data.birth, phase, at, engine: data.place.engine };
    }
  } catch (error) {
    throw unwrap(error);
  }
}
