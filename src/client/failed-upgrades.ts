import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import { z } from 'zod';
import type { FailedUpgrade } from '../domain/release/upstream.js';
import { unwrap } from './failure.js';
import { readOperationId } from './follow/frame.js';
import { firstOf, operationResultForm } from './follow/payloads.js';

/** How many failed upgrades one look goes through, the latest first. */
const most = 200;

const upgradeForm = z.object({ change: z.object({ to: z.object({ release: z.string() }) }) });

/**
 * The upgrades that went back because the release did not prove itself, as far back as the namespace keeps runs. Needs
 * no worker.
 */
export async function failedUpgrades(client: Client): Promise<FailedUpgrade[]> {
  const query = `WorkflowType = 'replaceContainer' AND OperationKind = 'upgrade' AND ExecutionStatus = 'Failed'`;
  const failed: FailedUpgrade[] = [];
  let seen = 0;
  try {
    for await (const info of client.workflow.list({ query, pageSize: most })) {
      const release = await releaseOf(client, info);
      const reason = release === undefined ? undefined : await whyTakenBack(client, info, release);
      const at = (info.closeTime ?? info.startTime).toISOString();
      if (release !== undefined && reason !== undefined)
        failed.push({ release, gateway: readOperationId(info.workflowId).gateway, at, reason });
      seen += 1;
      if (seen === most) return failed;
    }
  } catch (error) {
    throw unwrap(error);
  }
  return failed;
}

/** What such a run was told to upgrade to. */
async function releaseOf(client: Client, { workflowId, runId }: WorkflowExecutionInfo): Promise<string | undefined> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const input = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input;
  return firstOf(input, upgradeForm)?.change.to.release;
}

/** Why it went back, when the release was tried: on a copy, or in the place of the former. Undefined for any other end. */
async function whyTakenBack(
  client: Client,
  { workflowId, runId }: WorkflowExecutionInfo,
  release: string,
): Promise<string | undefined> {
  const failure = await client.workflow
    .getHandle(workflowId, runId)
    .result()
    .catch((error: unknown) => error);
  const cause = failure instanceof WorkflowFailedError ? failure.cause : undefined;
  if (!(cause instanceof ApplicationFailure)) return undefined;
  const { data } = operationResultForm.safeParse(cause.details?.[0]);
  if (data?.outcome !== 'undone' || data.reason.endsWith(': cancelled')) return undefined;
  const wasTried =
    data.proofs.some(({ step }) => step === 'undo set aside') ||
    data.reason.startsWith(`rehearse replacement: release ${release} `);
  return wasTried ? data.reason : undefined;
}
