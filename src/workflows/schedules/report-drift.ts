import { ActivityFailure, proxyActivities } from '@temporalio/workflow';
import { driftText, type DriftReport, type ImagesOn } from '../../domain/schedules/drift.js';
import { exportMs } from '../../domain/thresholds.js';
import type { Limits } from '../../wire/limits.js';
import type { ScheduledInput } from '../../wire/scheduled.js';
import { lookPolicy, onEngine, scheduledPolicy } from '../saga/policies.js';
import { paging, tell, type Asking } from './scheduled.js';

/** Names the gateways whose image is another one than that of their release on record (S2-39), and tells a person when there are some. */
export async function reportDrift({ limits }: ScheduledInput): Promise<DriftReport> {
  const report = await paging('the report of drift', limits, () => compare(limits));
  if (report.drifted > 0) await tell('gateways are on another image than their release', driftText(report), limits);
  return report;
}

async function compare(limits: Limits): Promise<DriftReport> {
  const asking = proxyActivities<Asking<'findAttended' | 'findDrift'>>({
    ...scheduledPolicy(limits, exportMs),
    summary: 'compare the records with the images',
  });
  const { value: engines } = await asking.findAttended();
  const images: ImagesOn[] = [];
  for (const engine of engines) images.push(...(await imagesOn(engine, limits)));
  return (await asking.findDrift({ images })).value;
}

/** Nothing of an engine that does not answer: of its gateways it is not known. */
async function imagesOn(engine: string, limits: Limits): Promise<ImagesOn[]> {
  const place = { provider: 'local', host: 'local', engine } as const;
  const policy = { ...lookPolicy(limits), ...onEngine(place), summary: `look at the images on engine ${engine}` };
  const { findReleaseImages } = proxyActivities<Asking<'findReleaseImages'>>(policy);
  try {
    return [(await findReleaseImages({ place })).value];
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return [];
  }
}
