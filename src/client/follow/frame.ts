import type { GatewayRecord } from '../../domain/gateway/reading.js';
import type { Left, OperationKind, OperationOutcome, Proof } from '../../wire/operation.js';
import type { Accepted } from '../../wire/requests.js';
import type { Park } from '../../wire/park.js';
import { operationOf } from '../../workflows/operations.js';
import { operationKind } from './payloads.js';

export type StepState = 'waiting' | 'running' | 'done' | 'failed' | 'undoing' | 'undone' | 'skipped';

/** One line of an operation. Times are ISO 8601, as the server's clock says. */
export type StepFrame = {
  readonly name: string;
  readonly state: StepState;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly attempt: number;
  /** Its last attempt ended because what it waits for is not there yet: nothing has failed. Absent otherwise. */
  readonly waits?: true;
  /** What it waits for, or why it failed; empty when there is nothing to say. */
  readonly sentence: string;
};

/**
 * An operation at one moment. `lost`: its run ended without an answer of its own (terminated by hand, timed out).
 */
export type Frame = {
  readonly workflowId: string;
  readonly gateway: string;
  readonly birth: string;
  readonly operation: number;
  readonly kind: OperationKind;
  readonly title: string;
  readonly phase: 'queued' | 'forward' | 'undoing' | 'parked' | 'ended';
  readonly steps: readonly StepFrame[];
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** Since when work has been waiting for a worker; absent while one works. */
  readonly unattendedSince?: string;
  /** The task queue on which that work waits. */
  readonly queue?: string;
  /** Nobody polls that queue; absent while it is not known, or a worker polls and is only slow. */
  readonly unpolled?: true;
  /** What the whole operation waits for, beyond any step: its turn, a lost attempt. */
  readonly waitingFor: string;
  readonly park?: Park;
  readonly outcome?: OperationOutcome | 'lost';
  readonly reason: string;
  readonly record?: GatewayRecord;
  readonly left: readonly Left[];
  /** What an ended change proved, when. */
  readonly proofs: readonly Proof[];
  /** What to type next. */
  readonly commands: readonly string[];
};

/** The frame of an operation whose run does not exist yet, or never will. */
export function queuedFrame(
  accepted: Omit<Accepted, 'state'>,
  end: { readonly waitingFor: string } | { readonly outcome: OperationOutcome | 'lost'; readonly reason: string },
): Frame {
  const { gateway, birth, operation, kind, workflowId } = accepted;
  const ended = 'outcome' in end;
  return {
    workflowId,
    gateway,
    birth,
    operation,
    kind,
    title: titleOf(gateway, operation, kind),
    phase: ended ? 'ended' : 'queued',
    steps: [],
    waitingFor: ended ? '' : end.waitingFor,
    ...(ended && { outcome: end.outcome }),
    reason: ended ? end.reason : '',
    left: [],
    proofs: [],
    commands: ended ? commandsFor(gateway, kind, end.outcome, undefined) : [`creel describe ${gateway}`],
  };
}

/** What the id of an operation's workflow says: `gateway/<id>/<birth>/<number>-<kind>`. */
export function readOperationId(workflowId: string): Pick<Frame, 'gateway' | 'birth' | 'operation' | 'kind'> {
  const [, gateway = '', birth = '', last = ''] = workflowId.split('/');
  const [, number = '0', word = ''] = /^(\d+)-(.+)$/.exec(last) ?? [];
  const kind = operationKind.safeParse(word);
  return { gateway, birth, operation: Number(number), kind: kind.success ? kind.data : 'provision' };
}

/** How an operation is called. */
export function titleOf(gateway: string, operation: number, kind: OperationKind): string {
  return `${kind} ${gateway} (operation ${operation})`;
}

/** What to type next, by how an operation stands. */
export function commandsFor(
  gateway: string,
  kind: OperationKind,
  outcome: OperationOutcome | 'lost' | undefined,
  park: Park | undefined,
): string[] {
  if (park) return park.answers.map((word) => `creel ${word} ${gateway} --park ${park.number}`);
  if (outcome === undefined) return [`creel describe ${gateway}`];
  const { done, left } = operationOf(kind)?.next ?? {};
  if (outcome === 'done') return [...(done?.(gateway) ?? [`creel open ${gateway}`, `creel describe ${gateway}`])];
  if (outcome === 'degraded' || outcome === 'stopped')
    return [`creel describe ${gateway}`, `creel provision ${gateway}`];
  if (outcome === 'left') return [`creel describe ${gateway}`, left?.(gateway) ?? `creel provision ${gateway}`];
  return [`creel describe ${gateway}`];
}
