import { CancellationScope, condition, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { Place } from '../../domain/hosts/place.js';
import { unansweredMs } from '../../domain/thresholds.js';
import type { Life } from '../../domain/gateway/life.js';
import type { Whereabouts } from '../../domain/hosts/whereabouts.js';
import { engineQueue } from '../../wire/ids.js';
import type { Limits } from '../../wire/limits.js';
import type { Attempted } from '../../wire/operation.js';
import { askPolicy } from './policies.js';

type Asked = { readonly deployment: string; readonly gateway: string };

type Asking = {
  [K in 'findEngines' | 'findLives']: (
    ...args: Parameters<Activities[K]>
  ) => Promise<Attempted<Awaited<ReturnType<Activities[K]>>>>;
};

const waiting = { summary: 'wait for the engines that have not answered' };

/** How often an engine that does not answer is asked where the others have answered. */
const attempts = 3;

/**
 * Looks for a gateway on every engine beside which a worker stands. Who polls decides that, not a clock: a worker that is slow is
 * waited for; one that goes away meanwhile, or whose engine is down, counts as not asked.
 */
export async function lookEverywhere(asked: Asked, limits: Limits): Promise<Whereabouts> {
  const shared = proxyActivities<Asking>({ ...askPolicy(limits), summary: 'find its engine' });
  const { here, lives, others, limited } = (await shared.findEngines(asked)).value;
  const found = new Map<string, readonly Life[] | undefined>([[here, lives]]);
  const scope = new CancellationScope();
  let open = others.filter(({ attended }) => attended);
  for (const { engine } of open) void askOne(scope, asked, engine, limits).then((answer) => found.set(engine, answer));
  while (
    open.length > 0 &&
    !(await condition(() => open.every(({ engine }) => found.has(engine)), unansweredMs, waiting))
  ) {
    const { others: now } = (await shared.findEngines(asked)).value;
    open = open.filter(({ engine }) => now.some((each) => each.engine === engine && each.attended));
  }
  const silent = others.filter(({ engine }) => !found.get(engine)).map(({ engine, host }) => ({ engine, host }));
  const answers = [...found].flatMap(([engine, each]) => (each ? [{ engine, lives: each }] : []));
  scope.cancel();
  return { here, asked: answers, unasked: silent, ...(limited && { limited }) };
}

/** The lives on one engine; undefined when it cannot be asked. */
async function askOne(
  scope: CancellationScope,
  asked: Asked,
  engine: string,
  limits: Limits,
): Promise<readonly Life[] | undefined> {
  const { retry, ...policy } = askPolicy(limits);
  const options = { ...policy, retry: { ...retry, maximumAttempts: attempts }, taskQueue: engineQueue(engine) };
  const place: Place = { provider: 'local', host: 'local', engine };
  const asking = proxyActivities<Asking>({ ...options, summary: `look on engine ${engine}` });
  try {
    return (await scope.run(() => asking.findLives({ ...asked, place }))).value;
  } catch {
    return undefined; // Cut short, or it cannot be asked: whoever needs it says so.
  }
}
