import { provisionSteps, registry } from '../operations.js';

const notServing = 'it does not serve: ';

/** What a record says of a gateway that did not serve when it was looked at, after a change of it had come to nothing; a cure that was named already stays the only one. */
export function lookedDown(said: string, gateway: string): string {
  const hasCure = /docs\/runbook\.md#|`creel /.test(said);
  return `${notServing}${said}${hasCure ? '' : `. \`creel provision ${gateway}\` repairs it`}`;
}

/** What a repair proves and a reading does not: whoever reads a gateway back has not seen that every channel is connected, or that its engine keeps it. */
const unread: ReadonlySet<string> = new Set(['probe channels', 'keep running']);

/**
 * Whether a gateway is degraded because it was seen not to serve, or because a repair came to no end at a step of which a reading is
 * proof enough: whatever reads it back as a whole has proved otherwise.
 */
export function endsWithReading(reason: string): boolean {
  if (reason.startsWith(notServing)) return true;
  const step = provisionSteps.find((each) => reason.startsWith(`${each}: `));
  return step !== undefined && !unread.has(step);
}

/** Whether a gateway is degraded because something of a change of it was left behind: no other reason begins with a step of one. */
export function isOfLeft(reason: string): boolean {
  const own: readonly string[] = provisionSteps;
  return Object.keys(registry).some((step) => !own.includes(step) && reason.startsWith(`${step}: `));
}
