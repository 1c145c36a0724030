import type { Client } from '@temporalio/client';
import ms from 'ms';
import { scheduleLateMs, scheduledRunMs } from '../../domain/thresholds.js';
import { listSchedules, type ListedSchedule } from '../deployment/schedules.js';
import { unwrap } from '../failure.js';
import { fail, ok, warn, type Finding } from './findings.js';

/** What speaks for and against what creel does by itself (K-3). */
export async function lookAtSchedules(client: Client): Promise<Finding[]> {
  try {
    return scheduleFindings(await listSchedules(client), Date.now());
  } catch (error) {
    const cure = 'mend what the other lines name, then look again';
    return [fail('schedules', `cannot be looked at: ${unwrap(error).message}`, cure)];
  }
}

/** The same of schedules as the server has them: one line for each that is not well, and one for the rest. */
export function scheduleFindings(schedules: readonly ListedSchedule[], now: number): Finding[] {
  if (schedules.length === 0)
    return [ok('schedules', 'there is none; `creel schedules apply` makes those that people expect')];
  const unwell = schedules.flatMap((each) => fault(each, now) ?? []);
  const paused = schedules.filter((each) => each.paused && !each.failed).map(({ name }) => name);
  const rest = schedules.length - unwell.length;
  const said = paused.length === 0 ? '' : `; paused, because somebody wanted it: ${paused.join(', ')}`;
  return rest === 0 ? unwell : [ok('schedules', `${rest} of ${schedules.length} as they should be${said}`), ...unwell];
}

function fault({ name, paused, failed, note, last, next }: ListedSchedule, now: number): Finding | undefined {
  const about = `schedule ${name}`;
  if (failed) {
    const cure = `mend what its run names (\`creel schedules\`), then \`creel schedules resume ${name}\``;
    return warn(about, `paused, because a run of it failed (${note})`, cure);
  }
  if (last && unended.includes(last.how)) {
    const ranMs = now - Date.parse(last.at);
    if (last.how === 'running' && name !== 'rotation' && ranMs > limitOf(name))
      return warn(
        about,
        `its run has not ended for ${long(ranMs)}`,
        'a worker must be there: docs/runbook.md#no-worker',
      );
  } else if (last) {
    const cure = name === 'heartbeat' ? heartbeatCure : 'docs/runbook.md#schedule-failed';
    return warn(about, `its last run, of ${last.at}, ${last.how} (${last.workflowId})`, cure);
  }
  const lateMs = next === undefined || paused ? 0 : now - Date.parse(next);
  if (lateMs <= scheduleLateMs) return undefined;
  return warn(
    about,
    `a run was due ${long(lateMs)} ago`,
    'the Temporal server begins none: look at its worker service',
  );
}

/** How a run stands of which nothing is to be said but, after a time, that it still runs. */
const unended: readonly string[] = ['running', 'completed', 'continued as new', 'no longer on record'];

const heartbeatCure = 'the URL in schedules.toml of the worker must answer from there: docs/runbook.md#schedule-failed';

/** A heartbeat that is late says nothing true any more. */
function limitOf(name: string): number {
  return name === 'heartbeat' ? scheduleLateMs : scheduledRunMs;
}

function long(spanMs: number): string {
  return ms(spanMs, { long: true });
}
