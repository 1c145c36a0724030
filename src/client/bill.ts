import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { gatewayOfSubscription } from '../domain/billing/subscription.js';
import { hearBillMs } from '../domain/thresholds.js';
import type { Bill, Billed } from '../wire/billing.js';
import { gatewayWorkflowId, taskQueue } from '../wire/ids.js';
import { defaultLimits } from '../wire/limits.js';
import { billUpdate } from '../wire/messages.js';
import type { GatewayStart } from '../wire/requests.js';
import { readHeld } from './deployment/deployment.js';
import { isNotFound, NoWorker, unwrap } from './failure.js';
import { nextOperation } from './gateways.js';
import { patiently } from './patience.js';

/**
 * Tells the gateway of a subscription how that stands, beginning its record if there is none; answers when it is on
 * record. The same event told again is heard once. `TurnedDown` in the gateway's own words; `NoWorker` when nobody
 * answered in time.
 */
export async function bill(client: Client, asked: Bill): Promise<Billed> {
  const gateway = gatewayOfSubscription(asked.notice.subscription);
  const updateId = `bill-${asked.notice.id}`;
  const record = client.workflow.getHandle(gatewayWorkflowId(gateway));
  try {
    return await hearing(client, () => record.executeUpdate(billUpdate, { args: [asked], updateId }));
  } catch (error) {
    if (error instanceof NoWorker) throw error;
    if (!isNotFound(error)) throw unwrap(error);
  }
  return begin(client, gateway, asked, updateId);
}

/** Begins the record, unless somebody else has done so meanwhile, and tells it. */
async function begin(client: Client, gateway: string, asked: Bill, updateId: string): Promise<Billed> {
  const [{ deployment }, firstOperation] = await Promise.all([readHeld(client), nextOperation(client, gateway)]);
  const start: GatewayStart = { layout: 1, deployment, gateway, limits: defaultLimits, firstOperation };
  const telling = () =>
    client.workflow.executeUpdateWithStart(billUpdate, {
      args: [asked],
      updateId,
      startWorkflowOperation: new WithStartWorkflowOperation('gateway', {
        workflowId: gatewayWorkflowId(gateway),
        workflowIdConflictPolicy: 'USE_EXISTING',
        taskQueue,
        args: [start],
        staticSummary: `OpenClaw gateway ${gateway}`,
      }),
    });
  try {
    return await hearing(client, telling);
  } catch (error) {
    throw error instanceof NoWorker ? error : unwrap(error);
  }
}

/** Waits for a record to hear; who polls is asked seldom, because so many wait at once. */
async function hearing(client: Client, telling: () => Promise<Billed>): Promise<Billed> {
  return patiently(client, telling, {
    withinMs: hearBillMs,
    meanwhile: 'the event was not heard',
    limitMs: hearBillMs,
    paceMs: hearBillMs / 4,
  });
}
