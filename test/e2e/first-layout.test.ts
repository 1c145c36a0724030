import { randomInt } from 'node:crypto';
import Dockerode from 'dockerode';
import getPort from 'get-port';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { defaultLimits } from '../../src/wire/limits.js';
import { foundImage, foundSocket } from '../ground/found.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { firstToken, makeFirstGateway, type FirstGateway } from './first-layout.js';
import { connectCustomer } from './outside/gateway-client.js';
import { RealGround, testKey } from '../ground/real-ground.js';

const release = '2026.6.11';
const newer = '2026.9.6';
const spec = { ...testSpec, release, cpus: 2 };
const birth = 'f2rst2';

let ground: RealGround;
beforeAll(async () => {
  ground = new RealGround(await TestServer.start());
  await ground.startWorker();
});
afterAll(async () => {
  await ground?.close();
  await ground?.server.stop();
}, 120_000);

it('a gateway that the first version made is taken up with its token, upgraded, rotated and removed: nothing is left', async () => {
  const stage = new Stage(ground, defaultLimits);
  const first: FirstGateway = {
    deployment: ground.deployment,
    id: stage.id,
    birth,
    image: foundImage(release),
    release,
    port: await getPort({ host: '127.0.0.1', port: [24_980, 24_981, 24_982, 24_983] }),
    subnet: `10.215.${randomInt(128, 256)}.${16 * randomInt(16)}/28`,
  };
  try {
    await makeFirstGateway(new Dockerode({ socketPath: foundSocket() }), first, testKey);
    await stage.provision({ spec, how: 'take up', birth });
    expect(await stage.settled(180_000)).toMatchObject({
      phase: 'ready',
      life: { mark: { birth, layout: 1 }, tokenGeneration: 1 },
      record: { port: first.port, version: release },
    });
    expect(await judged(first)).toBe('let in');
    expect(await ground.leftovers()).toEqual(stage.expected(birth));

    const place = { provider: 'local', host: 'local' } as const;
    const request = { requestId: 'up', origin: 'test', place, dev: true, retryFailed: false };
    await stage.request({ kind: 'upgrade', release: newer, ...request });
    expect(await stage.settled(180_000)).toMatchObject({
      phase: 'ready',
      life: { mark: { birth, layout: 1 }, tokenGeneration: 1 },
      record: { port: first.port, version: newer },
    });
    expect(await judged(first)).toBe('let in');

    await stage.rotate();
    const { life } = await stage.settled();
    expect(life?.tokenGeneration).toBeGreaterThan(1_000); // Nobody remembers which generations were burned.
    expect(await judged(first)).toBe('AUTH_TOKEN_MISMATCH');

    await stage.remove();
    expect(await stage.settled(120_000)).toMatchObject({ phase: 'removed', left: [] });
    expect(await ground.leftovers()).toEqual([]);
  } finally {
    await stage.close();
  }
}, 300_000);

async function judged(first: FirstGateway): Promise<string> {
  const { client, answer } = await connectCustomer(first.port, firstToken(first, testKey));
  await client.close();
  return answer.ok ? 'let in' : answer.code;
}
