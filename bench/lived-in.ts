import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import { names } from '../src/domain/gateway/gateway.js';
import { gatewayToken, masterKey } from '../src/domain/keys/token.js';
import { defaultLimits } from '../src/wire/limits.js';
import type { OperationResult } from '../src/wire/operation.js';
import { Owner } from '../test/ground/lived-in.js';
import { RealGround, testKey } from '../test/ground/real-ground.js';
import { TestServer } from '../test/ground/server.js';
import { Stage } from '../test/ground/stage.js';
import { testSpec } from '../test/world/open-test-world.js';
import { Downtime } from './downtime.js';
import type { Result } from './result.js';

const [older, newer] = ['2026.6.11', '2026.9.6'] as const;
const spec = { ...testSpec, cpus: 2, release: older };
const asked = { origin: 'bench', place: { provider: 'local', host: 'local' } } as const;
const bytesEach = 5_000;
const settleMs = 1_800_000;

/** How long a change takes, and how much of that nobody is served. */
type Times = { readonly wholeMs: number; readonly silentMs: number };

/**
 * What a gateway that somebody has lived in pays for an upgrade and for the way back: 1 GB in 200,000 files, settings, a second bot,
 * a proxy and a phone with two roles, all of which must be there after each.
 */
export async function livedIn(files = 200_000): Promise<Result> {
  const server = await TestServer.start();
  const ground = new RealGround(server);
  try {
    await ground.startWorker();
    const home = await moveIn(ground, files);
    const upgraded = await home.measure({ kind: 'upgrade', release: newer, dev: true, retryFailed: false });
    const back = await home.measure({ kind: 'rollback' });
    await home.stage.close();
    return report(files, upgraded, back);
  } finally {
    await ground.close();
    await server.stop();
  }
}

type Wish = { kind: 'upgrade'; release: string; dev: boolean; retryFailed: boolean } | { kind: 'rollback' };

async function moveIn(ground: RealGround, files: number) {
  const stage = new Stage(ground, defaultLimits);
  await stage.provision({ spec });
  const { life, record } = await stage.settled(settleMs);
  if (!life || !record) throw new Error('the gateway was not provisioned');
  const owner = new Owner(names(life.mark).container, record.port);
  const token = gatewayToken(masterKey(testKey), life.mark, life.tokenGeneration).reveal();
  const before = await owner.moveIn(older, token, { files, bytesEach });
  process.stderr.write(`moved in: ${before.files}\n`);
  const measure = async (wish: Wish): Promise<Times> => {
    const downtime = new Downtime(record.port);
    const began = performance.now();
    const { workflowId } = await stage.request({ ...asked, ...wish, requestId: randomBytes(4).toString('hex') });
    const { outcome, proofs } = (await stage.result(workflowId)) as OperationResult;
    const wholeMs = Math.round(performance.now() - began);
    const silentMs = Math.round(await downtime.stop());
    for (const { step, proof } of proofs ?? []) process.stderr.write(`${wish.kind}: ${step}: ${proof}\n`);
    if (outcome !== 'done') throw new Error(`the ${wish.kind} ended ${outcome}`);
    if (!isDeepStrictEqual(await owner.traces(token), before)) throw new Error(`the ${wish.kind} lost something`);
    return { wholeMs, silentMs };
  };
  return { stage, measure };
}

function report(files: number, upgraded: Times, back: Times): Result {
  const gigabytes = Math.round((files * bytesEach) / 1e7) / 100;
  return {
    title: `${older} to ${newer} and back, with ${gigabytes} GB in ${files} files`,
    head: ['change', 'whole, ms', 'without a good answer, ms'],
    rows: [
      ['upgrade', upgraded.wholeMs, upgraded.silentMs],
      ['rollback', back.wholeMs, back.silentMs],
    ],
    figures: { files, gigabytes, upgraded, back },
  };
}
