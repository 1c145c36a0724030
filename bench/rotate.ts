import { performance } from 'node:perf_hooks';
import type { Gateway } from '../src/domain/gateway/gateway.js';
import { rotated, type Rotation } from '../src/domain/changes/rotation.js';
import { defaultLimits } from '../src/wire/limits.js';
import type { Proof } from '../src/wire/operation.js';
import { provisionSteps } from '../src/workflows/provision/operation.js';
import { rotateSteps } from '../src/workflows/rotate/operation.js';
import { RealGround } from '../test/ground/real-ground.js';
import { TestServer } from '../test/ground/server.js';
import { Stage } from '../test/ground/stage.js';
import { testSpec } from '../test/world/open-test-world.js';
import { PlainScript } from './plain-script.js';
import { median, ratio, type Result } from './result.js';

const spec = { ...testSpec, cpus: 2 };

/** From the request of a rotation until it is proved, on a gateway that runs: through creel, and by a script that patches the config and checks the same things. */
export async function rotate(runs = 10): Promise<Result> {
  const server = await TestServer.start();
  const ground = new RealGround(server);
  const creel: number[] = [];
  const script: number[] = [];
  let dropped = 0;
  try {
    await ground.startWorker();
    const stage = new Stage(ground, defaultLimits);
    await stage.provision({ spec });
    await stage.settled(180_000);
    const scripted = new Scripted(ground);
    await scripted.provision();
    for (let run = 0; run <= runs; run += 1) {
      const byCreel = await rotateOnce(stage);
      const byScript = await scripted.rotate();
      process.stderr.write(`run ${run}: creel ${Math.round(byCreel.ms)} ms, script ${Math.round(byScript)} ms\n`);
      dropped += byCreel.kept ? 0 : 1;
      if (run === 0) continue; // warm-up
      creel.push(byCreel.ms);
      script.push(byScript);
    }
    await scripted.remove();
    await stage.close();
  } finally {
    await ground.close();
    await server.stop();
  }
  return report(creel, script, dropped);
}

function report(creel: readonly number[], script: readonly number[], dropped: number): Result {
  const figures = {
    runs: creel.length,
    creelMs: Math.round(median(creel)),
    worstMs: Math.round(Math.max(...creel)),
    scriptMs: Math.round(median(script)),
    vsScript: ratio(median(creel), median(script)),
    deviceSessionsDropped: dropped,
  };
  return {
    title: `rotation request to proved, median of ${creel.length} alternating runs; device sessions dropped: ${dropped} (aim 0)`,
    head: ['way', 'ms', 'creel / it', 'aim'],
    rows: [
      ['creel', figures.creelMs, 1, '<= 2000 ms'],
      ['script: config.patch, same checks', figures.scriptMs, figures.vsScript, '<= 1.50'],
    ],
    figures,
  };
}

/** One rotation until its result; whether a session of a paired device outlived it. */
async function rotateOnce(stage: Stage): Promise<{ ms: number; kept: boolean }> {
  const began = performance.now();
  const { workflowId } = await stage.rotate();
  const { proofs } = (await stage.result(workflowId)) as { proofs: Proof[] };
  const ms = performance.now() - began;
  return { ms, kept: proofs.some(({ proof }) => proof.includes('a device session still up')) };
}

/** The same by hand. */
class Scripted {
  readonly #script: PlainScript;
  #gateway: Gateway;

  constructor(ground: RealGround) {
    this.#script = new PlainScript(ground);
    this.#gateway = this.#script.newGateway(spec);
  }

  async provision(): Promise<void> {
    await this.#script.run(provisionSteps, this.#gateway);
  }

  async rotate(): Promise<number> {
    const change: Rotation = {
      kind: 'rotate',
      nextTokenGeneration: this.#gateway.tokenGeneration + 1,
      nextDeviceGeneration: this.#gateway.deviceGeneration,
      reclaim: false,
      evict: false,
      approved: [],
    };
    const began = performance.now();
    await this.#script.run(rotateSteps, { ...this.#gateway, change });
    const ms = performance.now() - began;
    this.#gateway = rotated({ ...this.#gateway, change });
    return ms;
  }

  async remove(): Promise<void> {
    await this.#script.remove(this.#gateway);
  }
}
