import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import type { Limits } from '../../wire/limits.js';
import type { Attempted, OperationInput, OperationResult } from '../../wire/operation.js';
import { askPolicy } from '../saga/policies.js';
import type { Steps } from '../saga/step.js';

type Asking = {
  findEngines: (
    ...args: Parameters<Activities['findEngines']>
  ) => Promise<Attempted<Awaited<ReturnType<Activities['findEngines']>>>>;
};

/** Whether a worker stands beside the engine of a gateway, or did minutes ago. Any worker is asked, until one answers. */
export async function isThere({ mark, place }: Gateway, limits: Limits): Promise<boolean> {
  const { deployment, gateway } = mark;
  const { retry, ...policy } = askPolicy(limits);
  const untilAnswered = { ...policy, retry: { ...retry, maximumAttempts: Infinity } };
  const { findEngines } = proxyActivities<Asking>({ ...untilAnswered, summary: 'is its engine gone' });
  const { here, hereWas = [], others } = (await findEngines({ deployment, gateway })).value;
  const attended = others.flatMap((each) => ((each.lately ?? each.attended) ? [each.engine, ...(each.was ?? [])] : []));
  return [here, ...hereWas, ...attended].some((engine) => engine === place.engine);
}

/** Ends a life whose engine is gone for good: nothing is undone, and what may still stand there is said. */
export async function leaveBehind(
  rows: Steps,
  { gateway, steps, entered, limits }: OperationInput,
): Promise<OperationResult> {
  const { mark, place } = gateway;
  const same = { record: undefined, skipped: [], tokenGeneration: gateway.tokenGeneration };
  if (await isThere(gateway, limits)) {
    const reason = `a worker stands beside engine ${place.engine}, or did minutes ago: it is not gone`;
    const left = steps.filter((step) => rows[step]?.undo).map((step) => ({ step, kind: 'Refused', reason }));
    return { outcome: 'left', reason, entered, left, ...same };
  }
  const reason = `engine ${place.engine} was given up: whatever of oc-${mark.gateway}-${mark.birth} is there (container, network, state, saved states) is nobody's from now on; see docs/runbook.md#engine-gone-for-good`;
  return { outcome: 'done', reason, entered: [], left: [], ...same };
}
