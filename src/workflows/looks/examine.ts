import { ActivityFailure, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { Examined, ExamineInput } from '../../wire/examination.js';
import type { Attempted } from '../../wire/operation.js';
import { lookPolicy, onEngine } from '../saga/policies.js';

type Examining = {
  findWorkerFacts: (...args: Parameters<Activities['findWorkerFacts']>) => Promise<Attempted<Examined>>;
  page: (...args: Parameters<Activities['page']>) => Promise<unknown>;
};

/** Has the worker beside an engine say what it has and how its engine answers, and, if asked, page a person once. */
export async function examineEngine(input: ExamineInput): Promise<Examined> {
  const place = { provider: 'local', host: 'local', engine: input.engine } as const;
  const policy = { ...lookPolicy(input.limits), ...onEngine(place), summary: 'look over worker and engine' };
  const { findWorkerFacts } = proxyActivities<Examining>(policy);
  const { value } = await findWorkerFacts({
    place,
    ...(input.states && { states: input.states }),
    ...(input.fence === false && { fence: false }),
  });
  if (input.page === undefined) return value;
  const { page } = proxyActivities<Examining>({ ...policy, retry: { maximumAttempts: 1 }, summary: 'page a person' });
  try {
    await page({
      id: input.page,
      gateway: 'none',
      title: 'creel doctor: a test of the pager',
      text: `Somebody asked \`creel doctor --page\`, and the worker beside engine ${input.engine} sends this. Nothing is wrong.`,
      at: workflowInfo().startTime.toISOString(),
    });
    return { ...value, paged: 'acknowledged' };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return { ...value, paged: { fails: error.cause?.message ?? error.message } };
  }
}
