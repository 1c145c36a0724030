import { proxyActivities } from '@temporalio/workflow';
import type { ScheduledInput } from '../../wire/scheduled.js';
import { lookPolicy } from '../saga/policies.js';
import type { Asking } from './scheduled.js';

/** Calls whoever pages when nobody calls: proof that server, worker and the way out work together. Its failure pages nobody: the silence does. */
export async function callHeartbeat({ limits }: ScheduledInput): Promise<void> {
  await proxyActivities<Asking<'callHeartbeat'>>({ ...lookPolicy(limits), summary: 'call the URL' }).callHeartbeat();
}
