import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import { Refused } from '../../domain/errors.js';
import { engineForNew, engineHolding, engineNamed, engineOfLost } from '../../domain/hosts/whereabouts.js';
import { readsBackward, type Left, type OperationInput, type OperationResult } from '../../wire/operation.js';
import { placedSignal } from '../../wire/messages.js';
import type { Steps } from './step.js';
import { lookEverywhere } from './whereabouts.js';

/** An operation whose gateway stands on a known engine, or how it ended without one. */
export type Seat = { readonly input: OperationInput } | { readonly result: OperationResult };

/**
 * Finds the engine of an operation that knows none, and puts it into the gateway's record before anything is done. Nothing is
 * begun and nothing counts as undone where it cannot be found.
 */
export async function takeSeat(steps: Steps, input: OperationInput): Promise<Seat> {
  if (!input.seek || hasNothing(steps, input)) return { input };
  try {
    const engine = await find(input);
    const place = { ...input.gateway.place, engine };
    await CancellationScope.nonCancellable(() => tellPlaced(input, engine));
    return { input: { ...input, gateway: { ...input.gateway, place } } };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    return { result: without(steps, input, reason) };
  }
}

/** Nothing was begun that is to be undone: no engine is needed to say so. */
function hasNothing(steps: Steps, input: OperationInput): boolean {
  return readsBackward(input.kind) && !input.steps.some((step) => steps[step]?.undo);
}

/** An undo cannot be cancelled, and neither can the search for where it is to be done. */
async function find(input: OperationInput): Promise<string> {
  setCurrentDetails('find its engine');
  const { mark, place } = input.gateway;
  const look = () => lookEverywhere(mark, input.limits);
  const seen = await (readsBackward(input.kind) ? CancellationScope.nonCancellable(look) : look());
  if (input.kind === 'provision') return engineForNew(mark, place, seen);
  if (input.kind === 'take-up') return engineOfLost(mark, place, seen);
  if (place.engine !== undefined) return engineNamed(mark, place.engine, seen);
  return engineHolding(mark, seen, input.kind === 'remove' || input.kind === 'purge' ? 'remove' : 'provision');
}

/** Puts the engine of an operation's gateway into its record. */
export async function tellPlaced({ number }: OperationInput, engine: string): Promise<void> {
  const { parent } = workflowInfo();
  if (parent) await getExternalWorkflowHandle(parent.workflowId).signal(placedSignal, { operation: number, engine });
}

function reasonOf(error: unknown): string | undefined {
  if (error instanceof Refused) return error.message;
  if (isCancellation(error)) return 'cancelled';
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure ? cause.message : undefined;
}

/** What existed stays, and what was to be undone is left. */
function without(steps: Steps, input: OperationInput, reason: string): OperationResult {
  const sentence = `find its engine: ${reason}`;
  const left: Left[] = input.steps
    .filter((step) => readsBackward(input.kind) && steps[step]?.undo)
    .map((step) => ({ step, kind: 'Refused', reason }));
  const outcome = readsBackward(input.kind)
    ? 'left'
    : input.change || input.kind === 'provision'
      ? 'undone'
      : 'stopped';
  const { entered } = input;
  const { tokenGeneration, keyId } = input.gateway;
  const known = input.kind === 'take-up' ? {} : { tokenGeneration, ...(keyId !== undefined && { keyId }) };
  return { outcome, reason: sentence, record: undefined, entered, skipped: [], left, ...known };
}
