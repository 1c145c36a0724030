import { Bug } from '../domain/errors.js';
import type { GatewayRecord } from '../domain/gateway/reading.js';

/** What came of an approval: in words, and which device it was. */
export type Approved = { readonly proof: string; readonly deviceId: string };

/** A way back that ended as the rollback began: with a gateway that does not serve. */
export type Down = { readonly proof: string; readonly down: string };

/** A gateway that serves, and whose model answers nobody, for a reason that is not of the change that asked. */
export type Unanswered = { readonly proof: string; readonly unanswered: string };

/** What a removal keeps in place of a state that is gone: in words, and the release that it belongs to. */
export type Kept = { readonly proof: string; readonly keptRelease: string };

/** Nothing of a gateway is kept: its state was gone before the removal. */
export type Vanished = { readonly proof: string; readonly vanished: true };

/** The engine of a gateway's own machine, in words and by its id: from then on the gateway stands there. */
export type Placed = { readonly proof: string; readonly engine: string };

/**
 * What a step may answer: nothing, what it proved in words, the same with what it was about, or the gateway read back.
 */
export type Answer = undefined | string | Approved | Down | Unanswered | Kept | Vanished | Placed | GatewayRecord;

/**
 * What an answer says, field by field. `down` is present but undefined when a step proved that the gateway is not down.
 */
export type Told = {
  readonly proof?: string;
  readonly down?: string | undefined;
  readonly unanswered?: string;
  readonly deviceId?: string;
  readonly keptRelease?: string;
  readonly vanished?: true;
  readonly engine?: string;
  readonly record?: GatewayRecord;
};

/**
 * Reads a step's answer in every form that a history may hold; a form that no version of creel ever gave is a `Bug`.
 */
export function readAnswer(step: string, answer: unknown): Told {
  if (answer === undefined || answer === null) return {};
  if (typeof answer === 'string') return { proof: answer, down: undefined };
  if (isProof(answer)) return readProof(answer);
  if (isRecord(answer)) return { record: answer };
  throw new Bug(`step "${step}" answered what no step does: ${JSON.stringify(answer).slice(0, 200)}`);
}

type Proved = Approved | Down | Unanswered | Kept | Vanished | Placed;

function readProof(answer: Proved): Told {
  const { proof } = answer;
  if ('engine' in answer) return { proof, engine: answer.engine };
  if ('unanswered' in answer) return { proof, down: undefined, unanswered: answer.unanswered };
  if ('down' in answer) return { proof, down: answer.down };
  if ('deviceId' in answer) return { proof, deviceId: answer.deviceId };
  return 'keptRelease' in answer ? { proof, keptRelease: answer.keptRelease } : { proof, vanished: true };
}

function isProof(answer: unknown): answer is Proved {
  if (typeof answer !== 'object' || answer === null || !('proof' in answer)) return false;
  return ['down', 'unanswered', 'deviceId', 'keptRelease', 'vanished', 'engine'].some((more) => more in answer);
}

/** Whether an answer is a reading, of any version: each has the time of its proof, and its container. */
function isRecord(answer: unknown): answer is GatewayRecord {
  return typeof answer === 'object' && answer !== null && 'provedAt' in answer && 'containerId' in answer;
}
