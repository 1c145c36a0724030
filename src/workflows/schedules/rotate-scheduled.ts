import { TypedSearchAttributes } from '@temporalio/common';
import { executeChild, proxyActivities, workflowInfo } from '@temporalio/workflow';
import { fleetWorkflowId } from '../../wire/ids.js';
import type { FleetResult } from '../../wire/fleet.js';
import type { ScheduledRotation } from '../../wire/scheduled.js';
import { needsAttentionKey, operationKindKey } from '../../wire/search-attributes.js';
import { rotateFleet } from '../fleet/rotate-fleet.js';
import { scheduledPolicy } from '../saga/policies.js';
import { paging, type Asking } from './scheduled.js';

/** Rotates the fleet as `creel rotate --all` does, in a run of a name of its own, and fails when that run did not come through. */
export async function rotateScheduled({ plan, limits }: ScheduledRotation): Promise<FleetResult> {
  const run = `scheduled-${workflowInfo()
    .startTime.toISOString()
    .replaceAll(/[-:]|\.\d+/g, '')
    .toLowerCase()}`;
  return paging(`the scheduled rotation (creel fleet status ${run})`, limits, async () => {
    const policy = { ...scheduledPolicy(limits, limits.actMs), summary: 'find the newest key' };
    const { value: key } = await proxyActivities<Asking<'findNewestKey'>>(policy).findNewestKey();
    return executeChild(rotateFleet, {
      workflowId: fleetWorkflowId(run),
      args: [{ layout: 1, run, origin: 'its schedule', plan, limits, ...key }],
      staticSummary: `rotate the fleet by schedule, ${plan.window} at once`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: operationKindKey, value: 'rotate-fleet' },
        { key: needsAttentionKey, value: false },
      ]),
    });
  });
}
