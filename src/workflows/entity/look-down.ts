import type { GatewayRecord } from '../../domain/gateway/reading.js';
import type { OperationResult } from '../../wire/operation.js';
import { answeringSteps } from '../provision/operation.js';
import { registry } from '../operations.js';
import { isOfLook } from '../saga/look-again.js';

/** The steps of changes that ask a model. */
const turnSteps: readonly string[] = ['ask replacement', 'prove models'];

/** What of a repair a reading is proof of only when it says so itself; of the other steps it is proof enough, but for those that it never is. */
const saidBy: Readonly<Record<string, (record: GatewayRecord) => boolean>> = {
  'write config': ({ findings }) => findings === undefined,
  'probe channels': hasChannels,
  'prove turn': () => false,
  'keep running': () => false,
};

/**
 * Whether a reading has proved otherwise than a gateway is degraded for: it was seen not to serve, or a repair came to no end at a step
 * that this reading has the proof of. One of another release than that on record proves nothing.
 */
export function endsWithReading(reason: string, record: GatewayRecord, release: string): boolean {
  if (record.version !== release) return false;
  if (isOfLook(reason)) return true;
  const step = answeringSteps.find((each) => reason.startsWith(`${each}: `) || reason === `${each} was skipped`);
  return step !== undefined && (saidBy[step]?.(record) ?? true);
}

/** Whether a gateway is degraded because of its channels, which a new container is not asked to connect where they were not connected before. */
export function isOfChannels(reason: string): boolean {
  return reason.startsWith('probe channels');
}

/** Whether a gateway is degraded because its model answers nobody, which only another turn can end. */
export function isOfTurn(reason: string): boolean {
  return reason.startsWith('prove turn');
}

/** A gateway whose model answers nobody, as the reason of a record: the same as a repair would give. */
export function notAnswered(why: string): string {
  return `prove turn: ${why}`;
}

/** Whether a change has asked the model of a gateway and was answered, or its spec wants no turn any more. */
export function hasTurn({ outcome, proofs, unanswered }: OperationResult): boolean {
  const asked = proofs?.some(({ step }) => turnSteps.includes(step)) === true;
  return outcome === 'done' && asked && unanswered === undefined;
}

/** Whether this reading has seen every channel connected: none of them is missing any more. */
export function hasChannels({ connected }: GatewayRecord): boolean {
  return connected === true;
}

/** Whether a gateway is degraded because something of a change of it was left behind: no other reason begins with a step of one. */
export function isOfLeft(reason: string): boolean {
  const own: readonly string[] = answeringSteps;
  return Object.keys(registry).some((step) => !own.includes(step) && reason.startsWith(`${step}: `));
}
