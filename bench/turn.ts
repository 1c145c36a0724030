import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { openSecrets } from '../src/open-world.js';
import { ModelProvider } from '../src/dev/models/model-provider.js';
import { addresses, listen } from '../src/dev/models/reach.js';
import type { GatewaySpec } from '../src/domain/gateway/spec.js';
import { masterKey } from '../src/domain/keys/token.js';
import { Secret } from '../src/domain/secret.js';
import { defaultLimits } from '../src/wire/limits.js';
import { RealGround, testKey } from '../test/ground/real-ground.js';
import { TestServer } from '../test/ground/server.js';
import { Stage } from '../test/ground/stage.js';
import { testSpec } from '../test/world/open-test-world.js';
import { median, ratio, type Result } from './result.js';

/** What a proof by a turn may add to a provision, with a model that answers at once. */
const aimMs = 500;

/**
 * From the request until a gateway with a model is usable, with the proof by a turn and without it, by turns: what the
 * message, the model's answer and the end of its session add.
 */
export async function turn(runs = 5): Promise<Result> {
  const server = await TestServer.start();
  const ground = new RealGround(server);
  const provider = new ModelProvider(randomBytes(18).toString('base64url'), ['echo-1']);
  const proved: number[] = [];
  const unproved: number[] = [];
  try {
    const spec = await specOn(ground, provider);
    await ground.startWorker();
    for (let run = 0; run <= runs; run += 1) {
      const withTurn = await provisionOnce(ground, spec(true));
      const without = await provisionOnce(ground, spec(false));
      process.stderr.write(
        `${run === 0 ? 'warm-up' : `run ${run}`}: with a turn ${Math.round(withTurn)} ms, without ${Math.round(without)} ms\n`,
      );
      if (run === 0) continue;
      proved.push(withTurn);
      unproved.push(without);
    }
  } finally {
    await ground.close();
    await server.stop();
    await provider.close();
  }
  return report(proved, unproved);
}

function report(proved: readonly number[], unproved: readonly number[]): Result {
  const [withTurn, without] = [Math.round(median(proved)), Math.round(median(unproved))];
  const addsMs = Math.round(median(proved.map((ms, run) => ms - (unproved[run] ?? 0))));
  const figures = { runs: proved.length, withTurn, without, addsMs, vsWithout: ratio(withTurn, without) };
  return {
    title: `request to usable gateway that has a model, median of ${figures.runs} alternating runs`,
    head: ['way', 'ms', 'proved / it', 'aim'],
    rows: [
      ['proved by a turn', withTurn, 1, ''],
      ['without a turn', without, figures.vsWithout, ''],
      ['what the turn adds, median of the pairs', addsMs, '', `<= ${aimMs}`],
    ],
    figures,
  };
}

/** A spec with a model of the provider that stands in, to be proved by a turn or not. */
async function specOn(ground: RealGround, provider: ModelProvider): Promise<(proveTurn: boolean) => GatewaySpec> {
  const at = await listen(provider, 0, await addresses(ground.engine));
  if (!at) throw new Error('no address of this machine can be reached from a container: no model answers');
  const files = { secretsFile: path.join(ground.root, 'secrets') };
  await openSecrets(files, () => [masterKey(testKey)], ground.deployment).write('own', new Secret(provider.key));
  const own = {
    id: 'own',
    key: 'secret:own',
    baseUrl: `http://${at.address}:${at.port}/v1`,
    api: 'openai-completions',
    models: ['echo-1'],
  } as const;
  const models = { default: 'own/echo-1', fallbacks: [], providers: [own] };
  return (proveTurn) => ({ ...testSpec, cpus: 2, models: proveTurn ? models : { ...models, proveTurn: false } });
}

async function provisionOnce(ground: RealGround, spec: GatewaySpec): Promise<number> {
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
