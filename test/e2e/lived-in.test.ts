import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { names } from '../../src/domain/gateway.js';
import { gatewayToken, masterKey } from '../../src/domain/token.js';
import { defaultLimits } from '../../src/workflows/limits.js';
import { TestServer } from '../temporal/server.js';
import { Stage } from '../temporal/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { Owner } from './lived-in.js';
import { RealGround, testKey } from './real-ground.js';

describe.each(['2026.9.6', '2026.6.11'])('a gateway of release %s that somebody has lived in', (release) => {
  let ground: RealGround;
  let stage: Stage;
  let owner: Owner;
  const token = async (): Promise<string> => {
    const { life } = await stage.describe();
    if (!life) throw new Error('nothing lives');
    return gatewayToken(masterKey(testKey), life.mark, life.tokenGeneration).reveal();
  };

  beforeAll(async () => {
    ground = new RealGround(await TestServer.start());
    stage = new Stage(ground, defaultLimits);
    await ground.startWorker();
    await stage.provision({ spec: { ...testSpec, cpus: 2, release } });
    const { life, record, reason } = await stage.settled(240_000);
    if (!life || !record) throw new Error(`not ready: ${reason}`);
    owner = new Owner(names(life.mark).container, record.port);
  }, 300_000);

  afterAll(async () => {
    await stage?.close();
    await ground?.close();
    await ground?.server.stop();
  }, 120_000);

  it('keeps settings, files and phone through a rotation', async () => {
    const before = await owner.moveIn(release, await token());
    expect(before.phone).toEqual(['node', 'operator']);
    await stage.rotate();
    expect(await stage.settled(240_000)).toMatchObject({ phase: 'ready', last: { outcome: 'done', reason: '' } });
    expect(await owner.traces(await token())).toEqual(before);
  }, 400_000);
});
