import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import { Refused } from '../../domain/errors.js';
import { engineForNew, engineHolding, engineNamed, engineOfLost } from '../../domain/hosts/whereabouts.js';
import { readsBackward, type Left, type OperationInput, type OperationResult } from '../../wire/operation.js';
import { placedSignal } from '../../wire/messages.js';
import { askForMore, askLedger, moreIn, type FoundPlace, type Park } from './ledger.js';
import type { Steps } from './step.js';
import { lookEverywhere } from './whereabouts.js';

/** An operation whose gateway stands on a known engine, or how it ended without one. */
export type Seat = { readonly input: OperationInput } | { readonly result: OperationResult };

/**
 * Finds the engine of an operation that knows none, and puts it into the gateway's record before anything is done. Nothing is
 * begun and nothing counts as undone where it cannot be found.
 */
export async function takeSeat(steps: Steps, input: OperationInput, park: Park = neverParks): Promise<Seat> {
  if (!input.seek || hasNothing(steps, input)) return takeRoom(steps, input, park);
  try {
    const found = await find(input, park);
    const place = { ...input.gateway.place, ...found };
    await CancellationScope.nonCancellable(() => tellPlaced(input, found));
    return { input: { ...input, gateway: { ...input.gateway, place } } };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    return { result: without(steps, input, `find its engine: ${reason}`) };
  }
}

/** The same of one whose gateway stands, and is to take more there than the ledger has promised it. Without room nothing is begun. */
async function takeRoom(steps: Steps, input: OperationInput, park: Park): Promise<Seat> {
  const need = moreIn(input);
  if (!need || !patched('the ledger is asked for more')) return { input };
  try {
    await askForMore(input, need, park);
    return { input };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    const result = without(steps, input, `find room: ${reason}`);
    return { result: { ...result, ...(input.kept && { kept: true as const }) } };
  }
}

const neverParks: Park = async () => 'expired';

/** Nothing was begun that is to be undone: no engine is needed to say so. */
function hasNothing(steps: Steps, input: OperationInput): boolean {
  return readsBackward(input.kind) && !input.steps.some((step) => steps[step]?.undo);
}

/** An undo cannot be cancelled, and neither can the search for where it is to be done. */
async function find(input: OperationInput, park: Park): Promise<FoundPlace> {
  setCurrentDetails('find its engine');
  const { mark, place } = input.gateway;
  const look = () => lookEverywhere(mark, input.limits);
  const seen = await (readsBackward(input.kind) ? CancellationScope.nonCancellable(look) : look());
  if (input.kind === 'provision') {
    const engine = engineForNew(mark, place, seen);
    const isMany = seen.asked.length + seen.unasked.length > 1;
    const begins = seen.asked.every(({ lives }) => lives.length === 0);
    if ((isMany || seen.limited) && begins && patched('the ledger finds a place')) return askLedger(input, seen, park);
    return { engine };
  }
  if (input.kind === 'take-up') return { engine: engineOfLost(mark, place, seen) };
  if (place.engine !== undefined) return { engine: engineNamed(mark, place.engine, seen) };
  const verb = input.kind === 'remove' || input.kind === 'purge' ? 'remove' : 'provision';
  return { engine: engineHolding(mark, seen, verb) };
}

/** Puts the place of an operation's gateway into its record. */
export async function tellPlaced({ number }: OperationInput, found: FoundPlace): Promise<void> {
  const { parent } = workflowInfo();
  if (parent) await getExternalWorkflowHandle(parent.workflowId).signal(placedSignal, { operation: number, ...found });
}

function reasonOf(error: unknown): string | undefined {
  if (error instanceof Refused) return error.message;
  if (isCancellation(error)) return 'cancelled';
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure ? cause.message : undefined;
}

/** What existed stays, and what was to be undone is left. */
function without(steps: Steps, input: OperationInput, sentence: string): OperationResult {
  const reason = sentence.slice(sentence.indexOf(': ') + 2);
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
