import { keepFormerMs } from '../../domain/thresholds.js';
import type { OperationResult } from '../../wire/operation.js';
import type { Begun } from '../record/queued.js';
import type { GatewayState } from '../record/state.js';
import { queueDrop } from './drop.js';
import { roomStep } from './operation.js';

/** The step in which the release that is to follow starts on a copy: what it refuses is said of it by name. */
const rehearseStep = 'rehearse replacement';

/**
 * A take-up has found the state that was saved under a lost record: it is let go as if it had been saved now. Its release is on its label; who was
 * put out since is on no record.
 */
export function noteSaved(state: GatewayState, { saved }: Pick<OperationResult, 'saved'>, now: number): void {
  const { life } = state;
  if (!saved || !life || life.former) return;
  const { shelf, release } = saved;
  const { spec } = life.gateway;
  const until = now + (spec.keepFormerMs ?? keepFormerMs);
  life.former = { shelf, spec: { ...spec, release }, until, lost: true };
}

/**
 * When the former release and its state are let go (epoch ms). Undefined where nothing is, and of a life that was taken up and not proved since: it may
 * be the only whole state.
 */
export function formerEndsAt({ life }: GatewayState): number | undefined {
  return life?.former?.lost && !life.record ? undefined : life?.former?.until;
}

/** The former release and its state are let go when their time has come and nothing else is to be done. */
export function expireFormer(state: GatewayState, now: number): void {
  const { life } = state;
  if (!life?.former || now < (formerEndsAt(state) ?? Infinity)) return;
  if (state.queue.length > 0) return;
  const { release } = life.former.spec;
  delete life.former;
  queueDrop(state, life.gateway, release);
}

/** Whether states may have been saved that are on no record: of a life that an older creel took up, and that no upgrade has replaced since. */
export function mayHaveSaved({ life }: GatewayState): boolean {
  if (!life || life.former || life.gateway.replacement !== undefined) return false;
  return life.entered.some(({ step }) => step === roomStep);
}

/** Whatever is saved and on no record is let go, because of whom it lets in. */
export function dropUnknown(state: GatewayState): void {
  if (state.life) queueDrop(state, state.life.gateway);
}

/** A rotation has put devices out that the saved state still lets in: a rollback that waits behind it comes to nothing. */
export function outdateFormer({ life }: GatewayState): void {
  if (life?.former) life.former = { ...life.former, evicted: true };
}

/** The release that an upgrade was refused for by its own rehearsal: it could not be proved, though nothing was set aside for it. */
export function refusedInRehearsal(operation: Begun, { outcome, reason }: OperationResult): string | undefined {
  const change = operation.kind === 'upgrade' ? operation.change : undefined;
  if (change?.kind !== 'upgrade' || outcome !== 'undone') return undefined;
  const { release } = change.to;
  return reason.startsWith(`${rehearseStep}: release ${release} `) ? release : undefined;
}
