import { performance } from 'node:perf_hooks';
import { markLabels, names } from '../src/domain/gateway/gateway.js';
import { sweepWorkflowId } from '../src/wire/ids.js';
import type { SweepInput, SweepResult } from '../src/wire/sweep.js';
import { DirectoryGround } from '../test/ground/directory-ground.js';
import { DirectoryStage } from '../test/ground/directory-stage.js';
import { historyCost, largestEvent } from '../test/ground/history-cost.js';
import { TestServer } from '../test/ground/server.js';
import type { Result } from './result.js';

const workflowId = sweepWorkflowId('bench');

/**
 * One sweep over so many marked things, three to a life, of which no record is there: nothing is larger to tell of a
 * thing than that it is reported. On a directory world, whose listing reads a file for each thing and page.
 */
export async function sweepMany(count = 10_000): Promise<Result> {
  const server = await TestServer.start();
  const ground = new DirectoryGround(server);
  const stage = new DirectoryStage(ground);
  try {
    const { engine } = ground.world;
    for (let made = 0; made < count; made += 3) {
      const { mark } = ground.world.gateway(`g${made}`);
      const labels = markLabels(mark);
      const { volume } = names(mark);
      for (const name of [volume, `${volume}-b`, `${volume}-c`].slice(0, count - made))
        await engine.createVolume({ name, labels });
    }
    await ground.startWorker();
    const client = await stage.client();
    const began = performance.now();
    const args: [SweepInput] = [{ dryRun: true }];
    const start = { workflowId, taskQueue: ground.queue, args };
    const run = await client.workflow.execute<(input: SweepInput) => Promise<SweepResult>>('sweep', start);
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    const { runs, bytes } = await largestEvent(client, workflowId);
    const { events, actions } = await historyCost(client, workflowId);
    const [seen] = run.engines;
    if (!seen) throw new Error(`nothing was looked at: ${JSON.stringify(run.unasked)}`);
    const figures = { things: seen.things, lives: seen.lives, seconds, runs, events, actions, largestBytes: bytes };
    return {
      title: `one sweep over ${count} marked things, none of them on record`,
      head: ['things', 'lives', 'seconds', 'runs', 'events', 'actions', 'largest event'],
      rows: [[seen.things, seen.lives, seconds, runs, events, actions, `${Math.round(bytes / 1024)} KB`]],
      figures,
    };
  } finally {
    await stage.close();
    await ground.close();
    await server.stop();
  }
}
