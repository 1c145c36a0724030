import { performance } from 'node:perf_hooks';
import { defaultLimits } from '../src/wire/limits.js';
import { provisionSteps } from '../src/workflows/provision/operation.js';
import { registry } from '../src/workflows/operations.js';
import { DirectoryGround } from '../test/ground/directory-ground.js';
import { DirectoryStage } from '../test/ground/directory-stage.js';
import { TestServer } from '../test/ground/server.js';
import { median, type Result } from './result.js';

const urgent = provisionSteps
  .filter((step) => registry[step]?.pace !== 'fetch')
  .map((step) => registry[step]?.do ?? '');

/** How soon the work of a killed worker is done by another one that is up, with the limits a deployment has. */
export async function recovery(runs = 20): Promise<Result> {
  const server = await TestServer.start();
  const times: number[] = [];
  try {
    for (let run = 0; run < runs; run += 1) {
      const ms = await killOnce(server, urgent[run % urgent.length] ?? '');
      process.stderr.write(`kill ${run + 1} in ${urgent[run % urgent.length]}: ${Math.round(ms)} ms\n`);
      times.push(ms);
    }
  } finally {
    await server.stop();
  }
  const figures = {
    kills: runs,
    medianMs: Math.round(median(times)),
    worstMs: Math.round(Math.max(...times)),
    aimMs: 8_000,
  };
  return {
    title: `from the kill of the worker that was working until the operation went on to its end, ${runs} kills`,
    head: ['median ms', 'worst ms', 'aim ms'],
    rows: [[figures.medianMs, figures.worstMs, `<= ${figures.aimMs}`]],
    figures,
  };
}

async function killOnce(server: TestServer, activity: string): Promise<number> {
  const ground = new DirectoryGround(server);
  const stage = new DirectoryStage(ground, defaultLimits);
  try {
    const doomed = await ground.startWorker();
    stage.interfere(activity, 'hold after');
    const { workflowId } = await stage.provision();
    await stage.held(activity);
    await ground.startWorker();
    stage.letGoAfterKill(activity, doomed);
    const killed = performance.now();
    await stage.result(workflowId);
    return performance.now() - killed;
  } finally {
    await stage.close();
    await ground.close();
  }
}
