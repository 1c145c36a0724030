import { performance } from 'node:perf_hooks';
import { defaultLimits } from '../src/wire/limits.js';
import { provisionSteps } from '../src/workflows/provision/operation.js';
import { RealGround } from '../test/ground/real-ground.js';
import { TestServer } from '../test/ground/server.js';
import { Stage } from '../test/ground/stage.js';
import { testSpec } from '../test/world/open-test-world.js';
import { Fleet } from './fleet.js';
import { PlainScript } from './plain-script.js';
import { median, ratio, type Result } from './result.js';

const spec = { ...testSpec, cpus: 2 };

/**
 * From the request until a gateway is usable: through creel; by a plain script that makes the same calls in the same order on
 * the same image; by `openclaw fleet create` on an image without the compile cache, and, without an aim, on ours.
 */
export async function provision(runs = 5): Promise<Result> {
  const server = await TestServer.start();
  const ground = new RealGround(server);
  const fleet = await Fleet.open();
  const ways: Record<string, () => Promise<number>> = {
    creel: () => byCreel(ground),
    script: () => byScript(ground),
    fleet: () => fleet.create('plain'),
    fleetPrepared: () => fleet.create('prepared'),
  };
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  try {
    await ground.startWorker();
    for (let run = 0; run <= runs; run += 1) {
      for (const [way, measure] of Object.entries(ways)) {
        const ms = await measure();
        process.stderr.write(`${run === 0 ? 'warm-up' : `run ${run}`} ${way}: ${Math.round(ms)} ms\n`);
        if (run > 0) times[way]?.push(ms);
      }
    }
  } finally {
    await fleet.close();
    await ground.close();
    await server.stop();
  }
  return report(times, runs);
}

function report(times: Record<string, number[]>, runs: number): Result {
  const of = (way: string) => Math.round(median(times[way] ?? []));
  const figures = {
    runs,
    creel: of('creel'),
    script: of('script'),
    fleet: of('fleet'),
    fleetPrepared: of('fleetPrepared'),
    vsScript: ratio(of('creel'), of('script')),
    vsFleet: ratio(of('creel'), of('fleet')),
    vsFleetPrepared: ratio(of('creel'), of('fleetPrepared')),
  };
  return {
    title: `request to usable gateway, median of ${runs} alternating runs`,
    head: ['way', 'ms', 'creel / it', 'aim'],
    rows: [
      ['creel', figures.creel, 1, ''],
      ['plain script, same calls', figures.script, figures.vsScript, '<= 1.10'],
      ['openclaw fleet create', figures.fleet, figures.vsFleet, '<= 0.75'],
      ['openclaw fleet create, prepared image', figures.fleetPrepared, figures.vsFleetPrepared, ''],
    ],
    figures,
  };
}

async function byCreel(ground: RealGround): Promise<number> {
  const stage = new Stage(ground, defaultLimits);
  await stage.client();
  const began = performance.now();
  const { workflowId } = await stage.provision({ spec });
  await stage.result(workflowId);
  const ms = performance.now() - began;
  await stage.remove();
  await stage.settled();
  await stage.close();
  return ms;
}

async function byScript(ground: RealGround): Promise<number> {
  const script = new PlainScript(ground);
  const gateway = script.newGateway(spec);
  const began = performance.now();
  await script.run(provisionSteps, gateway);
  const ms = performance.now() - began;
  await script.remove(gateway);
  return ms;
}
