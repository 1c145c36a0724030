import { isFailure } from './fleet-state.js';
import type { FleetStatus } from './fleet-requests.js';

/** What the Temporal UI shows of a run over the fleet: how far it is, who did not make it, which command to give. */
export function fleetDetails({ run, phase, reason, size, waiting, open, ends }: FleetStatus): string {
  const done = ends.filter(({ end }) => end === 'done').length;
  const failed = ends.filter(({ end }) => isFailure(end));
  return [
    `**${phase}**${reason === '' ? '' : `: ${reason}`}`,
    `${done} of ${size} done, ${failed.length} failed, ${open.length} open, ${waiting.length} waiting`,
    ...(open.length > 0 ? [`open: ${open.join(', ')}`] : []),
    ...failed
      .slice(0, shown)
      .map((each) => `${each.gateway}: ${each.end}${each.reason === '' ? '' : `: ${each.reason}`}`),
    `\`creel fleet status ${run}\` | \`creel fleet pause ${run}\` | \`creel fleet resume ${run}\` | \`creel fleet abort ${run}\``,
  ].join('\n\n');
}

/** Failures named on the page of a run; its status names all. */
const shown = 20;
