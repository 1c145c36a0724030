import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gatewayWorkflowId } from '../../../src/wire/ids.js';
import { replyUpdate } from '../../../src/wire/messages.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import { patienceMs } from '../../ground/patience.js';
import { TestServer } from '../../ground/server.js';
import { testSpec } from '../../world/open-test-world.js';

const spec = { ...testSpec, parkMs: 3_600_000 };

describe('a ceiling of two gateways, on one engine with room for many', { timeout: 2 * patienceMs }, () => {
  let server: TestServer;
  let ground: DirectoryGround;
  let stages: readonly DirectoryStage[];

  beforeAll(async () => {
    process.env['TEST_CEILING'] = '2';
    server = await TestServer.start();
    ground = new DirectoryGround(server);
    await ground.startWorker();
    stages = Array.from({ length: 4 }, () => new DirectoryStage(ground));
  });

  afterAll(async () => {
    delete process.env['TEST_CEILING'];
    await Promise.all(stages.map((stage) => stage.close()));
    await ground.close();
    await server.stop();
  });

  it('of four at once two are parked with the ceiling named, and one goes on when one was removed', async () => {
    await Promise.all(stages.map((stage) => stage.provision({ spec })));
    const ends = await Promise.all(
      stages.map((stage) => stage.until(({ phase }) => ['ready', 'parked'].includes(phase))),
    );
    const at = (phase: string) => stages.filter((_, index) => ends[index]?.phase === phase);
    const [[ready], [parked, other]] = [at('ready'), at('parked')];
    expect([at('ready').length, at('parked').length]).toEqual([2, 2]);
    for (const { phase, park } of ends)
      if (phase === 'parked')
        expect(park?.reason).toContain('above the ceiling: the hosts may have 2 gateways together');
    await ready?.remove();
    expect(await ready?.settled()).toMatchObject({ phase: 'removed' });
    await answer(parked, 'retry');
    expect(await parked?.until(({ phase }) => phase === 'ready')).toMatchObject({ last: { outcome: 'done' } });
    await answer(other, 'retry');
    expect(await other?.until(({ park }) => park?.number === '1.2')).toMatchObject({ phase: 'parked' });
    await answer(other, 'abort');
    expect(await other?.settled()).toMatchObject({ phase: 'removed', last: { outcome: 'undone' } });
    expect(ground.world.engine.leftovers().filter((each) => each.startsWith('container'))).toHaveLength(2);
  });

  async function answer(stage: DirectoryStage | undefined, word: 'retry' | 'abort'): Promise<void> {
    const park = (await stage?.describe())?.park?.number ?? '';
    const handle = (await stage?.client())?.workflow.getHandle(gatewayWorkflowId(stage?.id ?? ''));
    await handle?.executeUpdate(replyUpdate, { args: [{ park, answer: word, origin: 'test' }] });
  }
});
