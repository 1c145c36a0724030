import * as fc from 'fast-check';
import { describe, expect } from 'vitest';
import { WithStartWorkflowOperation, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { fleetOrderUpdate } from '../../../src/wire/fleet.js';
import { fleetWorkflowId, gatewayWorkflowId } from '../../../src/wire/ids.js';
import {
  handedOverSignal,
  replyUpdate,
  requestUpdate,
  standingQuery,
  withdrawUpdate,
} from '../../../src/wire/messages.js';
import type { Request } from '../../../src/wire/requests.js';
import { testSpec } from '../../world/open-test-world.js';
import type { DirectoryStage } from '../../ground/directory-stage.js';
import { onSharedGround } from '../on-stage.js';

const place = { provider: 'local', host: 'local' };
const good = { kind: 'provision', requestId: 'r', origin: 'test', spec: testSpec, place, birth: 'abc234', how: 'new' };

/** A good request with one part of it replaced by anything, or anything at all. */
const malformed = fc.oneof(
  fc.anything(),
  fc.tuple(fc.constantFrom(...Object.keys(good)), fc.jsonValue()).map(([key, value]) => ({ ...good, [key]: value })),
  fc
    .tuple(fc.constantFrom(...Object.keys(testSpec)), fc.jsonValue())
    .map(([key, value]) => ({ ...good, spec: { ...testSpec, [key]: value } })),
);

const asked = { origin: 'test', place } as const;
const changes = {
  rotate: { ...asked, kind: 'rotate', reclaim: false, evict: false },
  pair: { ...asked, kind: 'pair', wanted: { name: 'Phone' }, role: 'operator', scopes: [], waitMs: 60_000 },
  deny: { ...asked, kind: 'deny', deviceId: 'd'.repeat(64) },
  unpair: { ...asked, kind: 'unpair', deviceId: 'd'.repeat(64) },
  upgrade: { ...asked, kind: 'upgrade', release: '2026.9.7', dev: true, retryFailed: false },
  rollback: { ...asked, kind: 'rollback' },
  change: { ...asked, kind: 'change', cpus: 2 },
  'drop-snapshot': { ...asked, kind: 'drop-snapshot' },
} as const;

const json = fc.jsonValue();
const no = (type: string) => json.filter((value) => typeof value !== type);
const number = no('number');
const flag = no('boolean');

/** Of each kind of change what a field must not be: none of these may ever be taken. */
const wrong: Record<keyof typeof changes, Record<string, fc.Arbitrary<unknown>>> = {
  rotate: { reclaim: flag, evict: flag, keyId: json, birth: json, latestStart: number, place: json },
  pair: {
    wanted: json,
    role: fc.oneof(no('string'), fc.constant('')),
    scopes: no('object'),
    waitMs: number,
    birth: json,
  },
  deny: { deviceId: json, birth: json },
  unpair: { deviceId: json, latestStart: number },
  upgrade: { release: json, dev: flag, retryFailed: flag, readyMs: number, requestId: no('string') },
  rollback: { readyMs: number, origin: no('string') },
  change: {
    memoryMb: number,
    cpus: number,
    keepStateMs: number,
    parkMs: number,
    keepFormerMs: number,
    readyMs: number,
    channels: fc.array(json, { minLength: 1 }),
    rotation: json,
  },
  'drop-snapshot': { former: json },
};

/** A change with one field of it replaced by what it must not be, of each kind and field as often. */
const wrongChanges = fc.oneof(
  ...Object.entries(wrong).flatMap(([kind, fields]) =>
    Object.entries(fields).map(([field, value]) =>
      fc.tuple(fc.uuid(), value).map(([requestId, bad]) => {
        const good = changes[kind as keyof typeof changes];
        return { requestId, ...good, [field]: bad };
      }),
    ),
  ),
);

/** How a gateway answered: it took the request, or refused it. Anything else, silence too, is an error. */
async function send(stage: DirectoryStage, request: unknown): Promise<'taken' | 'refused'> {
  const client = await stage.client();
  const handle = client.workflow.getHandle(gatewayWorkflowId(stage.id));
  try {
    const args: [Request] = [request as Request];
    await client.withDeadline(Date.now() + 30_000, () => handle.executeUpdate(requestUpdate, { args }));
    return 'taken';
  } catch (error) {
    const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
    if (cause instanceof ApplicationFailure && ['Refused', 'Malformed'].includes(cause.type ?? '')) return 'refused';
    throw error;
  }
}

describe('whatever another client sends', () => {
  const on = onSharedGround();

  on('a gateway answers, goes on, and nothing else comes to exist', async (stage) => {
    const { birth } = await stage.provision();
    await stage.settled();
    const answers = { taken: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(malformed, async (request) => {
        if ((request as { kind?: unknown } | null)?.kind === 'remove') return;
        answers[await send(stage, JSON.parse(JSON.stringify(request ?? null)))] += 1;
      }),
      { numRuns: 150 },
    );
    expect(answers.refused).toBeGreaterThan(75);
    const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
    await expect(handle.executeUpdate(replyUpdate, { args: [null as never] })).rejects.toThrow();
    await expect(handle.executeUpdate(withdrawUpdate, { args: [null as never] })).rejects.toThrow();
    await handle.signal(handedOverSignal, { generation: 'all' } as never);
    expect(await handle.query(standingQuery, null as never)).toBeFalsy();
    expect(await stage.settled()).toMatchObject({ phase: 'ready', life: { mark: { birth } } });
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on(
    'a change of any of the eight kinds with a field that it must not have is refused, each, and nothing happens',
    async (stage) => {
      const { birth } = await stage.provision();
      const before = await stage.settled();
      const kinds = new Set<string>();
      await fc.assert(
        fc.asyncProperty(wrongChanges, async (request) => {
          kinds.add(request.kind);
          expect(await send(stage, JSON.parse(JSON.stringify(request)))).toBe('refused');
        }),
        { numRuns: 300 },
      );
      expect([...kinds].toSorted()).toEqual(Object.keys(changes).toSorted());
      expect(await stage.settled()).toEqual(before);
      expect(stage.leftovers()).toEqual(stage.expected(birth));
      for (const kind of ['rotate', 'unpair', 'upgrade', 'change'] as const)
        expect(await send(stage, { ...changes[kind], requestId: kind }), `${kind} as it should be`).toBe('taken');
      expect(await stage.settled()).toMatchObject({ life: { spec: { release: '2026.9.7', cpus: 2 } } });
    },
  );

  on('a start without a request takes its first request', async (stage) => {
    const client = await stage.client();
    const startWorkflowOperation = new WithStartWorkflowOperation('gateway', {
      workflowId: gatewayWorkflowId(stage.id),
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: stage.ground.queue,
      args: [{ layout: 1, deployment: stage.ground.deployment, gateway: stage.id, limits: stage.limits }],
    });
    await client.workflow.executeUpdateWithStart(requestUpdate, { args: [good as Request], startWorkflowOperation });
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
  });

  on(
    'a run over the fleet without a plan is refused before anybody is asked, and takes no word that is none',
    async (stage) => {
      const client = await stage.client();
      const start = { layout: 1, run: stage.id, origin: 'test', plan: { window: 'all' }, limits: stage.limits };
      const handle = await client.workflow.start('rotateFleet', {
        workflowId: fleetWorkflowId(stage.id),
        taskQueue: stage.ground.queue,
        args: [start],
      });
      await expect(handle.executeUpdate(fleetOrderUpdate, { args: [null as never] })).rejects.toThrow();
      await expect(handle.result()).rejects.toMatchObject({
        cause: { type: 'Refused', message: expect.stringContaining('window') },
      });
    },
  );

  on('a start of another layout is refused, and nothing begins', async (stage) => {
    const client = await stage.client();
    const start = {
      layout: 2,
      deployment: stage.ground.deployment,
      gateway: stage.id,
      limits: stage.limits,
      request: good,
    };
    const handle = await client.workflow.start('gateway', {
      workflowId: gatewayWorkflowId(stage.id),
      taskQueue: stage.ground.queue,
      args: [start],
    });
    await handle.result();
    expect(stage.leftovers()).toEqual([]);
  });
});
