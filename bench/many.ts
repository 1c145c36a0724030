import { performance } from 'node:perf_hooks';
import { gatewayWorkflowId } from '../src/wire/ids.js';
import { defaultLimits } from '../src/wire/limits.js';
import { DirectoryGround } from '../test/ground/directory-ground.js';
import { DirectoryStage } from '../test/ground/directory-stage.js';
import { TestServer } from '../test/ground/server.js';
import { MemoryWatch } from './memory-watch.js';
import { quantile, type Result } from './result.js';

/** Many gateways at once on the directory world, through one worker and one dev server. */
export async function many(count = 300): Promise<Result> {
  const server = await TestServer.start();
  const ground = new DirectoryGround(server);
  try {
    const worker = await ground.startWorker();
    const watch = new MemoryWatch(worker.pid ?? 0);
    const began = performance.now();
    const stages = Array.from({ length: count }, () => new DirectoryStage(ground, defaultLimits));
    const shared = await stages[0]?.client();
    const times = await Promise.all(
      stages.map(async (stage) => {
        if (shared) stage.use(shared);
        const { workflowId } = await stage.provision();
        await stage.result(workflowId, 1_000);
        return performance.now() - began;
      }),
    );
    const seconds = (performance.now() - began) / 1000;
    const events = await eventsOf(stages[0]);
    return report(count, seconds, times, watch.stop(), events);
  } finally {
    await ground.close();
    await server.stop();
  }
}

function report(
  count: number,
  seconds: number,
  times: number[],
  rssMb: number,
  events: { entity: number; operation: number },
): Result {
  const figures = {
    gateways: count,
    perSecond: Math.round((count / seconds) * 10) / 10,
    p95Ms: Math.round(quantile(times, 0.95)),
    workerRssMb: rssMb,
    entityEvents: events.entity,
    operationEvents: events.operation,
  };
  return {
    title: `${count} gateways at once, one worker, one dev server`,
    head: ['provisions / s', 'p95 ms', 'worker MB', 'entity events', 'operation events'],
    rows: [[figures.perSecond, figures.p95Ms, `${rssMb} (aim <= 300)`, events.entity, events.operation]],
    figures,
  };
}

async function eventsOf(stage: DirectoryStage | undefined): Promise<{ entity: number; operation: number }> {
  if (!stage) return { entity: 0, operation: 0 };
  const client = await stage.client();
  const length = async (id: string) => (await client.workflow.getHandle(id).fetchHistory()).events?.length ?? 0;
  const { last } = await stage.describe();
  return { entity: await length(gatewayWorkflowId(stage.id)), operation: await length(last?.workflowId ?? '') };
}
