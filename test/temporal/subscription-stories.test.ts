import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hear, standsAs, type Account, type Standing } from '../../src/domain/billing/account.js';
import { describeQuery } from '../../src/wire/messages.js';
import { gatewayWorkflowId } from '../../src/wire/ids.js';
import { FrontProcess } from '../ground/front-process.js';
import { Keyboard } from '../ground/keyboard.js';
import { patienceMs } from '../ground/patience.js';
import { asTold, inOrder, stories, type Told } from '../world/subscription-stories.js';

let keyboard: Keyboard;
let front: FrontProcess;

beforeAll(async () => {
  keyboard = await Keyboard.open();
  await keyboard.ground.startWorker();
  front = await FrontProcess.open(keyboard);
}, patienceMs);

afterAll(async () => {
  await front?.end('SIGKILL');
  await keyboard.close();
});

/** Days of a story that is over are seconds here: what was owed in it is owed for longer than the plans allow. */
const dayMs = 1_000;

/** Tells one event until it is taken in, as billing systems do. */
async function tell(subscription: string, { id, day, ...told }: Told, began: number): Promise<void> {
  const at = new Date(began + day * dayMs).toISOString();
  const taken = () =>
    front.own(`${subscription} ${id}`, { subscription, ...told, at }).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(taken, { timeout: patienceMs, interval: 500 }).toBe(200);
}

async function phaseOf(subscription: string): Promise<string> {
  const client = await keyboard.stage.client();
  const { phase, queue, running } = await client.workflow
    .getHandle(gatewayWorkflowId(subscription))
    .query(describeQuery);
  return running || queue.length > 0 ? 'busy' : phase;
}

/** How a subscription stands once everything of its story is known. */
function endOf(story: Parameters<typeof inOrder>[0]): Standing {
  let account: Account | undefined;
  for (const { event } of inOrder(story)) {
    const { day, ...told } = event;
    ({ account } = hear(account, { ...told, subscription: 'any', at: 1 + day * dayMs }, { unpaidMs: 0, endedMs: 0 }));
  }
  return account ? standsAs(account).standing : 'ended';
}

it('a dozen subscriptions end as their stories end, whatever the order, doubles and losses, and whoever is killed (K-2)', async () => {
  const told = fc.sample(stories, { numRuns: 12, seed: 7 }).map((story, index) => ({ story, id: `story-${index}` }));
  const began = Date.now() - 100 * dayMs;
  const half = (which: 'first' | 'second') =>
    Promise.all(
      told.map(async ({ story, id }) => {
        const all = asTold(story);
        const middle = Math.ceil(all.length / 2);
        for (const { event } of which === 'first' ? all.slice(0, middle) : all.slice(middle))
          await tell(id, event, began);
      }),
    );
  await half('first');
  const second = half('second');
  await Promise.all([front.end('SIGKILL'), keyboard.ground.killWorkers()]);
  await Promise.all([front.begin(), keyboard.ground.startWorker()]);
  await second;
  for (const { story, id } of told) {
    const ends = { active: /^ready$/, 'past due': /^(suspended|none)$/, ended: /^(removed|none)$/ }[endOf(story)];
    await expect.poll(() => phaseOf(id), { timeout: patienceMs, interval: 500, message: id }).toMatch(ends);
  }
}, 400_000);
