import { ActivityFailure, ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { RenameInput } from '../../wire/deployment-engines.js';
import type { Attempted } from '../../wire/operation.js';
import { askPolicy, onEngine } from '../saga/policies.js';

type Renaming = {
  ensureRenamed: (...args: Parameters<Activities['ensureRenamed']>) => Promise<Attempted<number>>;
};

/** Has the worker beside an engine prove that records mean it by a former id, and the deployment know it; answers how many gateways proved it. */
export async function renameEngine({ deployment, former, engine, limits }: RenameInput): Promise<number> {
  const place = { provider: 'local', host: 'local', engine } as const;
  const policy = { ...askPolicy(limits), startToCloseTimeout: limits.fetchMs, ...onEngine(place) };
  const { ensureRenamed } = proxyActivities<Renaming>({ ...policy, summary: `is it engine ${former}` });
  try {
    return (await ensureRenamed({ deployment, former, place })).value;
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    if (!(cause instanceof ApplicationFailure)) throw error;
    throw ApplicationFailure.nonRetryable(cause.message, cause.type ?? 'Error');
  }
}
