import type { Client } from '@temporalio/client';
import { describe, expect } from 'vitest';
import { framesOf } from '../../src/client/follow/follow.js';
import { gatewayWorkflowId } from '../../src/wire/ids.js';
import type { CarriedState1 } from '../../src/workflows/record/carried-state-1.js';
import type { CarriedStart } from '../../src/workflows/record/start.js';
import { testSpec } from '../world/open-test-world.js';
import { onSharedGround } from './on-stage.js';
import type { DirectoryStage } from '../ground/directory-stage.js';

/** What a server does with a closed run when its namespace keeps it no longer. */
async function forget(client: Client, workflowId: string): Promise<void> {
  const { namespace } = client.options;
  const handle = client.workflow.getHandle(workflowId);
  await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } });
  await expect
    .poll(
      () =>
        handle.describe().then(
          () => 'there',
          () => 'gone',
        ),
      { timeout: 120_000, interval: 200 },
    )
    .toBe('gone');
}

/** Starts the record of a gateway of which an older creel carried this in version 1: its first life, and what waits. */
async function carriedOn(stage: DirectoryStage): Promise<void> {
  const { ground, id, limits } = stage;
  const place = { provider: 'local', host: 'local' } as const;
  const mark = { deployment: ground.deployment, gateway: id, birth: '7k3fq2', layout: 1 };
  const state: CarriedState1 = {
    version: 1,
    life: { mark, place, spec: testSpec, tokenGeneration: 1, deviceGeneration: 1 },
    phase: 'queued',
    since: Date.now(),
    reason: '',
    entered: [],
    record: undefined,
    skipped: [],
    left: [],
    stateKeptUntil: 0,
    nextOperation: 5,
    queue: [
      { number: 3, kind: 'provision', purge: false },
      {
        number: 4,
        kind: 'rotate',
        purge: false,
        asked: { kind: 'rotate', requestId: 'r4', origin: 'test', reclaim: false, evict: false },
      },
    ],
    ended: [{ number: 2, kind: 'remove', birth: 'aaaaaa', outcome: 'done', reason: '' }],
    answered: [],
    requests: [],
    newRun: true,
    alone: true,
  };
  const start: CarriedStart = { layout: 1, deployment: ground.deployment, gateway: id, limits, state };
  const options = { workflowId: gatewayWorkflowId(id), taskQueue: ground.queue, args: [start] };
  await (await stage.client()).workflow.start('gateway', options);
}

/** How an operation is shown in the end. */
async function lastFrame(client: Client, accepted: Parameters<typeof framesOf>[1]): Promise<unknown> {
  let last: unknown;
  for await (const frame of framesOf(client, accepted)) last = frame;
  return last;
}

async function ready(stage: DirectoryStage) {
  const accepted = await stage.provision({ requestId: 'first' });
  expect(await stage.settled()).toMatchObject({ phase: 'ready' });
  return accepted;
}

describe('a request', () => {
  const on = onSharedGround();

  on('sent twice is one, also after continue-as-new and after the gateway is gone', async (stage) => {
    const first = await ready(stage);
    expect(await stage.provision({ requestId: 'first' })).toMatchObject({ operation: first.operation, state: 'done' });
    await stage.continueAsNew();
    await stage.renewed();
    expect(await stage.provision({ requestId: 'first' })).toMatchObject({ operation: first.operation, state: 'done' });
    await stage.remove({ requestId: 'last' });
    await stage.settled();
    expect(await stage.provision({ requestId: 'first' })).toMatchObject({
      operation: first.operation,
      birth: first.birth,
    });
    expect(stage.leftovers()).toEqual([]);
  });

  on(
    'that waits in what an older creel carried is carried out, and the record goes on in the newer form',
    async (stage) => {
      await carriedOn(stage);
      await stage.until(({ last }) => last?.operation === 4);
      expect(await stage.settled()).toMatchObject({
        phase: 'ready',
        life: { tokenGeneration: 2 },
        handOver: { generation: 2 },
      });
      await stage.continueAsNew();
      await stage.renewed();
      expect(await stage.settled()).toMatchObject({
        phase: 'ready',
        life: { tokenGeneration: 2 },
        handOver: { generation: 2 },
      });
      await stage.remove();
      expect(await stage.settled()).toMatchObject({ phase: 'removed' });
      expect(stage.leftovers()).toEqual([]);
    },
  );

  on('sent again when the server has forgotten its run is told how it ended, by the record (S3-25)', async (stage) => {
    const first = await ready(stage);
    const removal = await stage.remove({ requestId: 'last' });
    await stage.settled();
    const client = await stage.client();
    await Promise.all([first, removal].map(({ workflowId }) => forget(client, workflowId)));
    for (const again of [await stage.provision({ requestId: 'first' }), await stage.remove({ requestId: 'last' })]) {
      const { state: _state, ...unasked } = again;
      expect(await lastFrame(client, again)).toMatchObject({
        operation: again.operation,
        phase: 'ended',
        outcome: 'done',
        reason: '',
      });
      if (again.kind !== 'remove') continue;
      expect(await lastFrame(client, unasked)).toMatchObject({ phase: 'ended', outcome: 'done' });
    }
  });

  on('with the id of another one is refused', async (stage) => {
    await ready(stage);
    const other = stage.provision({ requestId: 'first', spec: { ...testSpec, memoryMb: 4096 } });
    await expect(other).rejects.toMatchObject({
      cause: { type: 'Refused', message: expect.stringContaining('another content') },
    });
  });

  on('for another spec of a gateway that exists is refused, naming the difference', async (stage) => {
    await ready(stage);
    const other = stage.provision({ spec: { ...testSpec, memoryMb: 4096 } });
    await expect(other).rejects.toMatchObject({
      cause: { message: expect.stringContaining('memory: has "2 GB", asked "4 GB"') },
    });
  });

  on('for the same spec repairs what is missing, and keeps the birth', async (stage) => {
    const { birth } = await ready(stage);
    stage.ground.world.engine.forget('container', `oc-${stage.id}-${birth}`);
    expect(await stage.provision()).toMatchObject({ kind: 'repair', birth });
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on('for a gateway whose state is gone is refused, and nothing is made in its place', async (stage) => {
    const { birth } = await ready(stage);
    const { engine } = stage.ground.world;
    engine.forget('container', `oc-${stage.id}-${birth}`);
    engine.forget('volume', `oc-${stage.id}-${birth}-state`);
    await stage.provision();
    expect(await stage.settled()).toMatchObject({
      phase: 'degraded',
      reason: expect.stringContaining(`the state of ${stage.id} (birth ${birth}) is gone`),
    });
    expect(stage.leftovers()).toEqual([`network oc-${stage.id}-${birth}`]);
    await stage.remove({ purge: true });
    expect(await stage.settled()).toMatchObject({ phase: 'removed' });
    await stage.provision();
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
  });

  on(
    'for a repair that cannot be finished leaves what existed, degraded, with the step and the reason',
    async (stage) => {
      const { birth } = await ready(stage);
      stage.interfere('ensureOperator', 'fail');
      await stage.provision();
      expect(await stage.settled()).toMatchObject({
        phase: 'degraded',
        reason: expect.stringMatching(/^pair operator: /),
      });
      expect(stage.leftovers()).toEqual(stage.expected(birth));
    },
  );

  on('after a removal begins another life', async (stage) => {
    const first = await ready(stage);
    await stage.remove();
    await stage.settled();
    const second = await stage.provision();
    expect(second.birth).not.toBe(first.birth);
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { mark: { birth: second.birth } } });
    expect(stage.leftovers()).toEqual(stage.expected(second.birth));
  });

  on('that is malformed is refused, nothing begins and the id is free', async (stage) => {
    const bad = stage.provision({ spec: { ...testSpec, release: 'latest' } });
    await expect(bad).rejects.toMatchObject({ cause: { type: 'Refused', message: expect.stringContaining('latest') } });
    await stage.result(gatewayWorkflowId(stage.id)); // The run that the request would have begun completes at once.
    expect(stage.leftovers()).toEqual([]);
    await stage.provision();
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
  });

  on('whose release the worker does not know is refused by the first step, and the id is free', async (stage) => {
    await stage.provision({ spec: { ...testSpec, release: '2026.1.1' } });
    expect(await stage.settled()).toMatchObject({
      phase: 'removed',
      reason: expect.stringContaining('not in this worker'),
    });
    expect(stage.leftovers()).toEqual([]);
    await stage.provision();
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
  });

  on('whose update never arrived is carried out once', async (stage) => {
    const place = { provider: 'local', host: 'local' } as const;
    const request = {
      kind: 'provision',
      requestId: 'r',
      origin: 'test',
      spec: testSpec,
      place,
      birth: 'abc234',
      how: 'new',
    } as const;
    await stage.startOnly(request);
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { mark: { birth: 'abc234' } } });
    expect(await stage.request(request)).toMatchObject({ operation: 1, state: 'done' });
  });

  on('among 200 at once never makes two operations run at a time', async (stage) => {
    const answers = await Promise.allSettled(
      Array.from({ length: 200 }, (_, index) => (index % 10 === 9 ? stage.remove() : stage.provision())),
    );
    await stage.settled();
    expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    expect(await stage.overlappingOperations()).toEqual([]);
    const found = await stage.describe();
    const birth = found.life?.mark.birth ?? '';
    expect(stage.leftovers()).toEqual(found.phase === 'removed' ? [] : stage.expected(birth));
  });
});

describe('a request whose time has come', () => {
  const on = onSharedGround({ forgetAfterMs: 2_000 });

  on('is forgotten, and the entity with it', async (stage) => {
    await ready(stage);
    await stage.remove();
    await stage.settled();
    await stage.result(gatewayWorkflowId(stage.id));
  });
});

describe('a removal', () => {
  const on = onSharedGround();
  const kept = { ...testSpec, keepStateMs: 3_600_000 };

  on('keeps the state as long as the spec says, and a restore takes it up with its birth', async (stage) => {
    const { birth } = await stage.provision({ spec: kept });
    await stage.settled();
    await stage.remove();
    expect(await stage.settled()).toMatchObject({ phase: 'removed', stateKeptUntil: expect.any(String) });
    expect(stage.leftovers()).toEqual([`volume oc-${stage.id}-${birth}-state`]);
    const plain = stage.provision({ spec: kept });
    await expect(plain).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/--restore.*remove .* --purge/) },
    });
    expect(await stage.provision({ spec: kept, how: 'restore' })).toMatchObject({ birth });
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { mark: { birth } } });
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on('whose kept state is gone is not restored, and nothing is made in its place', async (stage) => {
    const { birth } = await stage.provision({ spec: kept });
    await stage.settled();
    await stage.remove();
    await stage.settled();
    stage.ground.world.engine.forget('volume', `oc-${stage.id}-${birth}-state`);
    await stage.provision({ spec: kept, how: 'restore' });
    expect(await stage.settled()).toMatchObject({
      phase: 'degraded',
      reason: expect.stringContaining(`the state of ${stage.id} (birth ${birth}) is gone`),
    });
    expect(stage.leftovers()).toEqual([]);
  });

  on('with purge lets the kept state go', async (stage) => {
    await stage.provision({ spec: kept });
    await stage.settled();
    await stage.remove();
    await stage.settled();
    await stage.remove({ purge: true });
    expect((await stage.settled()).stateKeptUntil).toBeUndefined();
    expect(stage.leftovers()).toEqual([]);
  });

  on('lets the state go by itself when its time has come', async (stage) => {
    await stage.provision({ spec: { ...kept, keepStateMs: 1_500 } });
    await stage.settled();
    await stage.remove();
    await stage.until((found) => found.phase === 'removed' && found.stateKeptUntil === undefined);
    expect(stage.leftovers()).toEqual([]);
  });

  on('of a gateway that nobody knows says that nothing is there', async (stage) => {
    const { workflowId } = await stage.remove();
    const result = await stage.result(workflowId);
    expect(result).toMatchObject({ outcome: 'done', reason: expect.stringContaining('nothing of') });
    await stage.result(gatewayWorkflowId(stage.id));
  });
});

describe('a life whose record was lost', () => {
  const on = onSharedGround();

  async function lose(stage: DirectoryStage) {
    const { birth } = await stage.provision();
    await stage.settled();
    await (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id)).terminate('by hand');
    return birth;
  }

  on('is named by the next provision, and taken up by its birth', async (stage) => {
    const birth = await lose(stage);
    await stage.provision();
    const refused = await stage.settled();
    expect(refused).toMatchObject({
      phase: 'removed',
      reason: expect.stringContaining(`creel provision ${stage.id} --birth ${birth}`),
    });
    expect(stage.leftovers()).toEqual(stage.expected(birth));
    await stage.provision({ how: 'take up', birth });
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { mark: { birth }, tokenGeneration: 1 } });
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on('and that was upgraded lets go of what was saved before, when everybody is put out', async (stage) => {
    const newer = { ...testSpec, release: '2026.9.7' };
    const { birth } = await stage.provision();
    await stage.settled();
    const place = { provider: 'local', host: 'local' } as const;
    const wish = { kind: 'upgrade', release: newer.release, dev: true, retryFailed: false } as const;
    await stage.request({ ...wish, requestId: 'up', origin: 'test', place });
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { spec: newer } });
    await (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id)).terminate('by hand');
    await stage.provision({ how: 'take up', birth });
    const saved = { release: testSpec.release, lost: true };
    expect(await stage.settled()).toMatchObject({ phase: 'degraded', former: saved });
    await stage.provision({ how: 'take up', birth, spec: newer });
    expect(await stage.settled()).toMatchObject({ phase: 'ready', former: saved });
    expect(stage.leftovers()).toEqual([...stage.expected(birth), `volume oc-${stage.id}-${birth}-snap-a`].toSorted());
    await stage.rotate({ evict: true });
    await stage.until(({ last }) => last?.kind === 'drop-snapshot');
    expect((await stage.settled()).former).toBeUndefined();
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on('and whose state is gone is not taken up, nor repaired after that', async (stage) => {
    const birth = await lose(stage);
    const { engine } = stage.ground.world;
    engine.forget('container', `oc-${stage.id}-${birth}`);
    engine.forget('volume', `oc-${stage.id}-${birth}-state`);
    const gone = { phase: 'degraded', reason: expect.stringContaining(`the state of ${stage.id} (birth ${birth})`) };
    await stage.provision({ how: 'take up', birth });
    expect(await stage.settled()).toMatchObject(gone);
    await stage.provision();
    expect(await stage.settled()).toMatchObject(gone);
    expect(stage.leftovers()).toEqual([`network oc-${stage.id}-${birth}`]);
  });

  on('is named by the next removal, and purged by its birth', async (stage) => {
    const birth = await lose(stage);
    const { workflowId } = await stage.remove();
    const ended = stage.result(workflowId);
    await expect(ended).rejects.toMatchObject({ cause: { message: expect.stringContaining(`birth ${birth}`) } });
    await stage.result(gatewayWorkflowId(stage.id)); // Nothing is on record, so the record closes.
    expect(stage.leftovers()).toEqual(stage.expected(birth));
    await stage.remove({ birth, purge: true });
    await stage.until(({ phase }) => phase === 'removed');
    expect(stage.leftovers()).toEqual([]);
  });

  on('of a birth that never was is refused', async (stage) => {
    await stage.provision({ how: 'take up', birth: 'zzzzzz' });
    expect(await stage.settled()).toMatchObject({ reason: expect.stringContaining('no life of') });
    expect(stage.leftovers()).toEqual([]);
  });
});
