import type { Context } from '@temporalio/activity';
import { metricNames } from '../wire/metrics.js';

/** Counts how a call of the pager ended; any other activity is not counted. */
export function countPage({ info, metricMeter }: Context, outcome: 'sent' | 'failed'): void {
  if (info.activityType === 'page') metricMeter.createCounter(metricNames.pages).add(1, { outcome });
}
