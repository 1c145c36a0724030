import { continueAsNew, proxyActivities, setCurrentDetails, upsertMemo, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import { driftPageLength, regionPageLength } from '../../domain/thresholds.js';
import { defaultLimits, type Limits } from '../../wire/limits.js';
import type { Attempted } from '../../wire/operation.js';
import type { Drifted, ReconcileInput, ReconcileResult } from '../../wire/reconcile.js';
import type { SweptEngine } from '../../wire/sweep.js';
import { sendPage } from '../saga/page.js';
import { netPolicy, onEngine } from '../saga/policies.js';
import { askWhileAttended, orWhy } from './ask-engine.js';
import {
  newReconciliation,
  noteRepair,
  passOver,
  reconcileResult,
  turnDriftPage,
  type ReconcileState,
} from './reconcile-state.js';

type Asking = {
  [K in 'findReconciled' | 'findUnlikeRecord' | 'findUnlikeRecordIn' | 'requestRepair']: (
    ...args: Parameters<Activities[K]>
  ) => Promise<Attempted<Awaited<ReturnType<Activities[K]>>>>;
};

type Start = ReconcileInput & { readonly state?: ReconcileState };

/**
 * Looks, the other way round than a sweep, whether every gateway that its record calls ready is there as recorded.
 * People hear once of one that is not; one whose spec says so is asked for a repair.
 */
export async function reconcile(input: Start): Promise<ReconcileResult> {
  if (input.dryRun) upsertMemo({ dryRun: true });
  const limits = input.limits ?? defaultLimits;
  const state =
    input.state ?? newReconciliation((await ask(limits, {}, 'which engines are there').findReconciled()).value);
  while (state.engines.length > 0) {
    await look(state, input, limits);
    await goOnIfLong(input, limits, state);
  }
  for (const each of input.dryRun ? [] : state.repairs) {
    const run = workflowInfo().workflowId;
    const asking = ask(limits, {}, `have ${each.gateway} repaired`);
    noteRepair(
      state,
      each,
      await orWhy(asking.requestRepair({ ...each, ...(each.machine && { at: each.machine }), run })),
    );
    await goOnIfLong(input, limits, state);
  }
  const result = reconcileResult(state, input.dryRun, Date.now());
  if (!input.dryRun && result.counts.news > 0) await tell(result, limits);
  return result;
}

async function look(state: ReconcileState, { page }: Start, limits: Limits): Promise<void> {
  const [on] = state.engines;
  if (!on) return;
  setCurrentDetails(`${state.ready} ready gateways seen, ${state.counts.drifted} not as recorded`);
  const answer = await askWhileAttended(on, limits, () => lookAt(on, state.after, page, limits));
  if (typeof answer === 'string') passOver(state, answer);
  else turnDriftPage(state, answer, Date.now());
}

function lookAt({ engine, was, at }: SweptEngine, after: string, page: number | undefined, limits: Limits) {
  if (at)
    return ask(limits, {}, `look at ${engine}`).findUnlikeRecordIn({ at, after, limit: page ?? regionPageLength });
  const asked = { engine, after, limit: page ?? driftPageLength, ...(was && { was }) };
  return ask(limits, { engine }, `look at engine ${engine}`).findUnlikeRecord(asked);
}

async function tell({ drifted, counts }: ReconcileResult, limits: Limits): Promise<void> {
  const named = drifted.slice(0, Math.min(10, counts.news)).map(lineOf).join('; ');
  await sendPage(
    {
      id: workflowInfo().workflowId,
      gateway: 'none',
      title: 'gateways are not as recorded',
      text: `${counts.news} of them are new: ${named}. \`creel list --attention\` names them all; see docs/runbook.md#not-as-recorded`,
      at: new Date(Date.now()).toISOString(),
    },
    limits,
  );
}

function lineOf({ gateway, drifts, done }: Drifted): string {
  return `${gateway}: ${drifts.join(', ')}${done === undefined ? '' : ` (${done})`}`;
}

function ask(limits: Limits, place: { readonly engine?: string }, summary: string): Asking {
  const on = onEngine({ provider: 'local', host: 'local', ...place });
  return proxyActivities<Asking>({ ...netPolicy(limits), ...on, summary });
}

/** A history must not grow with the fleet. */
async function goOnIfLong(input: Start, limits: Limits, state: ReconcileState): Promise<void> {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  if (continueAsNewSuggested || historyLength > limits.entityEvents)
    await continueAsNew<typeof reconcile>({ ...input, state });
}
