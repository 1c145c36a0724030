import { countsOf, type FleetStatus } from '../../wire/fleet.js';
import { failuresIn, isFailure } from './state.js';

/** What the Temporal UI shows of a run over the fleet: how far it is, who did not make it, which command to give. */
export function fleetDetails(status: FleetStatus): string {
  const { run, phase, reason, size, waiting, open, ends, ahead = 0 } = status;
  const counts = countsOf(status);
  const failures = failuresIn(counts);
  const failed = ends.filter(({ end }) => isFailure(end));
  return [
    `**${phase}**${reason === '' ? '' : `: ${reason}`}`,
    `${counts.done ?? 0} of ${size} done, ${failures} failed, ${open.length} open, ${waiting.length + ahead} waiting`,
    ...(open.length > 0 ? [`open: ${open.join(', ')}`] : []),
    ...failed
      .slice(0, shown)
      .map((each) => `${each.gateway}: ${each.end}${each.reason === '' ? '' : `: ${each.reason}`}`),
    ...(failures > shown ? [`and ${failures - shown} more`] : []),
    `\`creel fleet status ${run}\` | \`creel fleet pause ${run}\` | \`creel fleet resume ${run}\` | \`creel fleet abort ${run}\``,
  ].join('\n\n');
}

/** Failures named on the page of a run; its status names more. */
const shown = 20;
