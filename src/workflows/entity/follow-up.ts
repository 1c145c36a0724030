import type { Rotation } from '../../domain/changes/rotation.js';
import type { OperationResult } from '../../wire/operation.js';
import type { Life } from '../record/life.js';
import { changeIn, type Begun } from '../record/queued.js';
import type { GatewayState } from '../record/state.js';
import { dropUnknown, noteSaved, mayHaveSaved, outdateFormer, refusedInRehearsal } from '../replace/former.js';
import { countFailure, isReplacement } from '../replace/operation.js';
import { oweAfter, stays } from './begin-end.js';
import { forgetOwed } from './owed.js';

/** How an operation closed: with a result, or lost with a reason. */
export type OperationEnd = {
  readonly operation: Begun;
  readonly result: OperationResult | undefined;
  readonly reason: string;
};

/** Whether a run began with a version that does this: what an older one began goes on as it began. */
type Adopts = (ability: string) => boolean;

/** What follows from an operation that has ended, beside what is true of its gateway now; much of it an older version let rest. */
export function followUp(
  state: GatewayState,
  { operation, result }: Omit<OperationEnd, 'reason'>,
  now: number,
  adopts: Adopts,
): void {
  const { life } = state;
  const { kind } = operation;
  const change = changeIn(operation);
  if (kind === 'restore' && life?.owed && !adopts('take back after a restore')) forgetOwed(life);
  if (life && change && result?.outcome === 'left') oweLeft(life, adopts);
  if (change?.kind === 'rotate' && result?.outcome === 'done' && kind !== 'way-back') outdate(state, change, adopts);
  if (result?.saved && adopts('what a lost record kept')) noteSaved(state, result, now);
  if (life && result) countRehearsal(life, operation, result, adopts);
  if (result && stays(state, operation, result) && !adopts('drop again')) return;
  oweAfter(state, operation, result, now);
}

/** An older version let rest what another change than a replacement had to leave. */
function oweLeft(life: Life, adopts: Adopts): void {
  const { owed } = life;
  if (owed && !isReplacement(owed) && !adopts('owe what is left')) forgetOwed(life);
}

function countRehearsal(life: Life, operation: Begun, result: OperationResult, adopts: Adopts): void {
  const release = refusedInRehearsal(operation, result);
  if (release !== undefined && adopts('refused rehearsals count')) countFailure(life, release);
}

/** Whoever was put out is out of what is saved as well, though a rollback waits. */
function outdate(state: GatewayState, { evict, nextKeyId }: Rotation, adopts: Adopts): void {
  if (!evict && nextKeyId === undefined) return;
  if (state.life?.former && adopts('evicted devices stay out')) outdateFormer(state);
  if (mayHaveSaved(state) && adopts('what a lost record kept')) dropUnknown(state);
}
