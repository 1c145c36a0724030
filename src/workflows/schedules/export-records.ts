import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Exported } from '../../activities/schedules/export-records.js';
import { exportMs } from '../../domain/thresholds.js';
import type { ScheduledInput } from '../../wire/scheduled.js';
import { scheduledPolicy } from '../saga/policies.js';
import { paging, tell, type Asking } from './scheduled.js';

/** Writes the records of all gateways to a file on a worker's machine, and tells a person where some are missing. */
export async function exportRecords({ limits }: ScheduledInput): Promise<Exported> {
  const policy = { ...scheduledPolicy(limits, exportMs), summary: 'write the records' };
  const { exportRecords: write } = proxyActivities<Asking<'exportRecords'>>(policy);
  const at = workflowInfo().startTime.toISOString();
  const exported = await paging('the scheduled export', limits, async () => (await write({ at })).value);
  const { silent, file } = exported;
  if (silent.length > 0)
    await tell('an export is not whole', `${silent.length} records did not answer and are missing in ${file}`, limits);
  return exported;
}
