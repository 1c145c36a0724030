import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gatewayWorkflowId } from '../../../src/wire/ids.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import { TestServer } from '../../ground/server.js';

/** One deployment with a worker beside each of two engines. */
describe('two machines, each with an engine and a worker', { timeout: 120_000 }, () => {
  let server: TestServer;
  let grounds: readonly [DirectoryGround, DirectoryGround];
  let engines: readonly [string, string];

  beforeAll(async () => {
    server = await TestServer.start();
    const first = new DirectoryGround(server);
    grounds = [first, new DirectoryGround(server, first.queue)];
    engines = [engineIdAt(grounds[0].root), engineIdAt(grounds[1].root)];
    process.env['TEST_ENGINES'] = [...engines, gone].join(',');
    await Promise.all(grounds.map((ground) => ground.startWorker()));
  });

  afterAll(async () => {
    delete process.env['TEST_ENGINES'];
    await Promise.all(grounds.map((ground) => ground.close()));
    await server.stop();
  });

  /** An engine of the deployment that nobody serves any more. */
  const gone = 'engine-gone';
  const placeOn = (engine: string) => ({ provider: 'local', host: 'local', engine }) as const;
  const leftOn = (ground: DirectoryGround, { id }: DirectoryStage) =>
    ground.world.engine.leftovers().filter((each) => each.includes(` oc-${id}-`));

  async function play(run: (stage: DirectoryStage) => Promise<void>): Promise<void> {
    const stage = new DirectoryStage(grounds[0]);
    try {
      await run(stage);
    } finally {
      await stage.close();
    }
  }

  it('everything that is asked of a gateway happens on its own engine, eight times of eight', async () => {
    await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        play(async (stage) => {
          const own = index % 2;
          const [ground, other] = own === 0 ? grounds : [grounds[1], grounds[0]];
          const engine = engines[own] ?? '';
          const { birth } = await stage.provision({ place: placeOn(engine) });
          expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { place: { engine } } });
          expect(leftOn(ground, stage)).toEqual(stage.expected(birth));
          await stage.rotate();
          expect(await stage.settled()).toMatchObject({ phase: 'ready', last: { kind: 'rotate', outcome: 'done' } });
          await stage.request({
            kind: 'upgrade',
            requestId: 'up',
            origin: 'test',
            release: '2026.9.7',
            dev: true,
            retryFailed: false,
          });
          expect(await stage.settled()).toMatchObject({ last: { kind: 'upgrade', outcome: 'done' } });
          expect(leftOn(other, stage)).toEqual([]);
          await stage.remove();
          expect(await stage.settled()).toMatchObject({ phase: 'removed', last: { outcome: 'done' } });
          expect(leftOn(ground, stage)).toEqual([]);
          expect(leftOn(other, stage)).toEqual([]);
        }),
      ),
    );
  });

  it('a provision that names no engine has one on record before its first step', async () => {
    await play(async (stage) => {
      for (const ground of grounds) ground.interferences.set('ensureRelease', stage.id, 'hold before');
      await stage.provision();
      const { life } = await stage.until((found) => found.life?.place.engine !== undefined);
      expect(engines).toContain(life?.place.engine);
      for (const ground of grounds) ground.interferences.clear('ensureRelease', stage.id);
      expect(await stage.settled()).toMatchObject({ phase: 'ready' });
    });
  });

  it('a life without a record is found wherever it is, taken up there, and removed there', async () => {
    await play(async (stage) => {
      const { birth } = await stage.provision({ place: placeOn(engines[1]) });
      await stage.settled();
      const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
      await handle.terminate('by hand');
      const { workflowId } = await stage.remove();
      await expect(stage.result(workflowId)).rejects.toMatchObject({
        cause: { message: expect.stringContaining(`birth ${birth}`) },
      });
      await stage.result(gatewayWorkflowId(stage.id));
      await stage.provision();
      expect(await stage.settled()).toMatchObject({
        phase: 'removed',
        reason: expect.stringContaining(`creel provision ${stage.id} --birth ${birth}`),
      });
      await stage.provision({ how: 'take up', birth });
      expect(await stage.settled()).toMatchObject({
        phase: 'ready',
        life: { mark: { birth }, place: { engine: engines[1] } },
      });
      expect(leftOn(grounds[1], stage)).toEqual(stage.expected(birth));
      await stage.remove({ purge: true });
      await stage.until(({ phase }) => phase === 'removed');
      expect(leftOn(grounds[1], stage)).toEqual([]);
    });
  });

  it('an engine that is nobody’s is refused for a new gateway, naming those there are', async () => {
    await play(async (stage) => {
      await stage.provision({ place: placeOn('engine-nowhere') });
      expect(await stage.settled()).toMatchObject({
        phase: 'removed',
        reason: expect.stringMatching(`no worker ever served engine engine-nowhere.*${engines[0]}`),
      });
    });
  });

  it('one that is mistyped, asked for over the wire for a life of which none is on record, is refused and on no record', async () => {
    await play(async (stage) => {
      const typo = placeOn('engine-mistyped');
      const reason = expect.stringContaining('no worker ever served engine engine-mistyped');
      const { birth } = await stage.provision({ place: placeOn(engines[0]) });
      await stage.settled();
      await forgetEngine(stage);
      await stage.provision({ place: typo });
      expect(await stage.settled()).toMatchObject({ last: { kind: 'repair', outcome: 'stopped', reason } });
      await stage.remove({ place: typo });
      const left = expect.arrayContaining([expect.objectContaining({ reason })]);
      expect(await stage.settled()).toMatchObject({ last: { kind: 'remove', outcome: 'left' }, left });
      expect(leftOn(grounds[0], stage)).toEqual(stage.expected(birth));
      await stage.remove();
      expect(await stage.settled()).toMatchObject({
        last: { outcome: 'done' },
        life: { place: { engine: engines[0] } },
      });
      expect(leftOn(grounds[0], stage)).toEqual([]);
      await stage.provision({ place: typo, how: 'take up', birth: 'aaaaaa' });
      expect(await stage.settled()).toMatchObject({ phase: 'none', reason });
    });
  });

  it('a gateway does not move: a place that another engine is in is refused', async () => {
    await play(async (stage) => {
      await stage.provision({ place: placeOn(engines[0]) });
      await stage.settled();
      const refused = {
        cause: { type: 'Refused', message: expect.stringContaining(`stands on engine ${engines[0]}`) },
      };
      await expect(stage.provision({ place: placeOn(engines[1]) })).rejects.toMatchObject(refused);
      await expect(stage.remove({ place: placeOn(engines[1]) })).rejects.toMatchObject(refused);
      await stage.remove({ place: { provider: 'local', host: 'local' } });
      expect(await stage.settled()).toMatchObject({ phase: 'removed' });
    });
  });

  it('an engine that was swapped under a living gateway is foreign: nothing is done on it, and nothing counts as gone', async () => {
    const ground = new DirectoryGround(server);
    const stage = new DirectoryStage(ground);
    try {
      await ground.startWorker();
      const host = new DirectoryHost(ground.root);
      const engine = engineIdAt(ground.root);
      const { birth } = await stage.provision({ place: placeOn(engine) });
      await stage.settled();
      host.become({ engineId: 'engine-swapped' });
      await stage.remove();
      expect(await stage.settled()).toMatchObject({
        phase: 'removed',
        left: expect.arrayContaining([
          { step: 'start container', kind: 'Foreign', reason: expect.stringMatching(`engine-swapped.*${engine}`) },
        ]),
      });
      expect(leftOn(ground, stage)).toEqual(stage.expected(birth));
      host.become({ engineId: engine });
      await stage.remove();
      expect(await stage.until(({ left }) => left.length === 0)).toMatchObject({ phase: 'removed' });
      expect(leftOn(ground, stage)).toEqual([]);
    } finally {
      await stage.close();
      await ground.close();
    }
  });

  /** The record as an older creel would have left it: its gateway stands on no engine that it names. */
  const forgetEngine = (stage: DirectoryStage) => standOn(stage, undefined);

  /** The record as it would be if its gateway had come to stand on this engine. */
  async function standOn(stage: DirectoryStage, engine: string | undefined): Promise<void> {
    await stage.continueAsNew();
    await stage.renewed();
    const client = await stage.client();
    const handle = client.workflow.getHandle(gatewayWorkflowId(stage.id));
    const [started] = (await handle.fetchHistory()).events ?? [];
    const payload = started?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
    const whole: { state: { life: { gateway: { place: { engine?: string } } } } } = JSON.parse(
      Buffer.from(payload ?? []).toString(),
    );
    delete whole.state.life.gateway.place.engine;
    if (engine !== undefined) whole.state.life.gateway.place.engine = engine;
    await handle.terminate('as if it were older');
    await client.workflow.start('gateway', {
      workflowId: gatewayWorkflowId(stage.id),
      taskQueue: grounds[0].queue,
      args: [whole],
    });
  }

  it('a record of an older creel is given the engine that carries its mark, by the first operation', async () => {
    await Promise.all(
      [0, 1, 0, 1].map((own) =>
        play(async (stage) => {
          const ground = own === 0 ? grounds[0] : grounds[1];
          const { birth } = await stage.provision({ place: placeOn(engines[own] ?? '') });
          await stage.settled();
          await forgetEngine(stage);
          expect((await stage.settled()).life?.place.engine).toBeUndefined();
          await stage.rotate();
          expect(await stage.settled()).toMatchObject({
            last: { kind: 'rotate', outcome: 'done' },
            life: { place: { engine: engines[own] } },
          });
          expect(leftOn(ground, stage)).toEqual(stage.expected(birth));
          await forgetEngine(stage);
          await stage.remove();
          expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
          expect(leftOn(ground, stage)).toEqual([]);
        }),
      ),
    );
  });

  it('a gateway whose engine is gone for good is given up, whatever waits there, and its id is free', async () => {
    await play(async (stage) => {
      const { workflowId } = await stage.provision({ place: placeOn(gone) });
      await stage.until(({ running, life }) => running !== undefined && life?.place.engine === gone);
      await stage.remove({ gone });
      const ended = await stage.settled();
      expect(ended).toMatchObject({ phase: 'removed', left: [], last: { kind: 'remove', outcome: 'done' } });
      expect(ended.reason).toMatch(new RegExp(`engine ${gone} was given up: whatever of oc-${stage.id}-.*is nobody's`));
      await expect(stage.result(workflowId)).rejects.toThrow();
      await stage.provision({ place: placeOn(engines[0]) });
      const { life } = await stage.settled();
      expect(life?.place.engine).toBe(engines[0]);
      await standOn(stage, gone);
      await stage.rotate();
      await stage.until(({ running }) => running?.kind === 'rotate');
      await stage.remove();
      await stage.until(
        ({ queue, running }) => running?.kind === 'remove' || queue.some(({ kind }) => kind === 'remove'),
      );
      await stage.remove({ gone });
      expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [], last: { outcome: 'done' } });
      expect(leftOn(grounds[0], stage)).toEqual(stage.expected(life?.mark.birth ?? ''));
    });
  });

  it('an engine beside which a worker stands is not gone, whoever says so', async () => {
    await play(async (stage) => {
      const { birth } = await stage.provision({ place: placeOn(engines[1]) });
      await stage.settled();
      await expect(stage.remove({ gone })).rejects.toMatchObject({
        cause: { type: 'Refused', message: expect.stringContaining(`stands on engine ${engines[1]}, not ${gone}`) },
      });
      await stage.remove({ gone: engines[1] });
      const reason = expect.stringContaining('it is not gone');
      expect(await stage.settled()).toMatchObject({ last: { outcome: 'left', reason } });
      expect(leftOn(grounds[1], stage)).toEqual(stage.expected(birth));
      await stage.remove();
      expect(await stage.until(({ left }) => left.length === 0)).toMatchObject({ phase: 'removed' });
      expect(leftOn(grounds[1], stage)).toEqual([]);
    });
  });

  it('one whose mark no engine carries is refused, names what is known, and ends by an operator’s word', async () => {
    await play(async (stage) => {
      const { birth } = await stage.provision({ place: placeOn(engines[0]) });
      await stage.settled();
      const base = `oc-${stage.id}-${birth}`;
      const { engine } = grounds[0].world;
      engine.forget('container', base);
      engine.forget('network', base);
      engine.forget('volume', `${base}-state`);
      await forgetEngine(stage);
      await stage.provision();
      expect(await stage.settled()).toMatchObject({
        phase: 'degraded',
        reason: expect.stringMatching(`names no engine.*asked: .*${engines[1]}`),
      });
      await stage.remove();
      expect(await stage.settled()).toMatchObject({
        last: { kind: 'remove', outcome: 'left' },
        left: expect.arrayContaining([expect.objectContaining({ step: 'keep state', kind: 'Refused' })]),
      });
      await stage.remove({ place: placeOn(engines[0]) });
      expect(await stage.until(({ left }) => left.length === 0)).toMatchObject({ phase: 'removed' });
    });
  });
});
