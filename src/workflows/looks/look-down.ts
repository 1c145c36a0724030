import type { GatewayRecord } from '../../domain/gateway/reading.js';
import { provisionSteps, registry } from '../operations.js';

const notServing = 'it does not serve: ';

/** What a record says of a gateway that did not serve when it was looked at, after a change of it had come to nothing; a cure that was named already stays the only one. */
export function lookedDown(said: string, gateway: string): string {
  const hasCure = /docs\/runbook\.md#|`creel /.test(said);
  return `${notServing}${said}${hasCure ? '' : `. \`creel provision ${gateway}\` repairs it`}`;
}

/** What of a repair a reading is proof of only when it says so itself; of the other steps it is proof enough, but for those that it never is. */
const saidBy: Readonly<Record<string, (record: GatewayRecord) => boolean>> = {
  'write config': ({ findings }) => findings === undefined,
  'probe channels': hasChannels,
  'keep running': () => false,
};

/**
 * Whether a reading has proved otherwise than a gateway is degraded for: it was seen not to serve, or a repair came to no end at a step
 * that this reading has the proof of. One of another release than that on record proves nothing.
 */
export function endsWithReading(reason: string, record: GatewayRecord, release: string): boolean {
  if (record.version !== release) return false;
  if (reason.startsWith(notServing)) return true;
  const step = provisionSteps.find((each) => reason.startsWith(`${each}: `) || reason === `${each} was skipped`);
  return step !== undefined && (saidBy[step]?.(record) ?? true);
}

/** Whether a gateway is degraded because of its channels, which a new container is not asked to connect where they were not connected before. */
export function isOfChannels(reason: string): boolean {
  return reason.startsWith('probe channels');
}

/** Whether this reading has seen every channel connected: none of them is missing any more. */
export function hasChannels({ connected }: GatewayRecord): boolean {
  return connected === true;
}

/** Whether a gateway is degraded because something of a change of it was left behind: no other reason begins with a step of one. */
export function isOfLeft(reason: string): boolean {
  const own: readonly string[] = provisionSteps;
  return Object.keys(registry).some((step) => !own.includes(step) && reason.startsWith(`${step}: `));
}
