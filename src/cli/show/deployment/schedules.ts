import type { Applied, ListedSchedule } from '../../../client/deployment/schedules.js';
import { row } from '../row.js';

/** The schedules of a deployment, each with its last run and its next one. */
export function scheduleList(schedules: readonly ListedSchedule[]): string {
  if (schedules.length === 0) return 'There is none. `creel schedules apply` makes those that people expect.\n';
  return schedules.flatMap((each) => [...linesOf(each), '']).join('\n');
}

function linesOf({ name, does, when, paused, note, last, next, missed }: ListedSchedule): string[] {
  const why = note === undefined || note === '' ? '' : `: ${note}`;
  return [
    `${name}  ${does}`,
    ...row('when', when),
    ...row('last', last ? `${last.at} ${last.how} (${last.workflowId})` : 'it has not run yet'),
    ...row('next', paused ? `paused${why}. creel schedules resume ${name}` : (next ?? 'none')),
    ...row('left out', missed > 0 && `${missed} runs: an earlier one had not ended, or the server was away`),
  ];
}

/** What `creel schedules apply` did. */
export function appliedText(applied: readonly Applied[]): string {
  if (applied.length === 0) return 'There is no schedule, and none was there.\n';
  return applied.map(({ name, what }) => `${name}: ${what}\n`).join('');
}
