import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { names } from '../../src/domain/gateway/gateway.js';
import { provisionSteps } from '../../src/workflows/provision/operation.js';
import { suspend, suspendSteps } from '../../src/workflows/suspend/operation.js';
import { openTestWorld, testSpec } from '../world/open-test-world.js';
import type { ChangeUnderProof } from './proofs/change-proofs.js';
import type { ChangeStage } from './proofs/change-stage.js';
import {
  Interrupted,
  isBack,
  isGone,
  isKeptWhole,
  provisioned,
  suspendedGateway,
  type State,
} from './proofs/interrupted.js';
import { proveChange } from './proofs/prove-change.js';
import { VirtualEntity, type Template } from './proofs/virtual-entity.js';

async function containerOf(world: ChangeStage['world'], name: string) {
  const found = await world.engine.findContainer(name);
  assert.ok(found, `${name} is kept`);
  return found;
}

const proved: ChangeUnderProof = {
  operation: suspend,
  steps: suspendSteps,
  begin: async () => ({ kind: 'suspend', since: Date.now(), reason: 'unpaid' }),
  isDone: async ({ world, names: { container } }) =>
    expect(await containerOf(world, container)).toMatchObject({ state: 'exited', restartPolicy: 'no' }),
  isBack: async ({ world, gateway, names: { container } }) => {
    expect(await containerOf(world, container)).toMatchObject({ state: 'running', restartPolicy: 'always' });
    await world.activities.findGateway(gateway);
  },
};

describe('a suspension', () => {
  proveChange(proved);
});

/** A gateway that serves, and its record. */
async function onGateway(run: (entity: VirtualEntity) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  try {
    await run(await provisioned(new VirtualEntity(world), testSpec));
  } finally {
    world.close();
  }
}

const container = ({ world, gateway }: VirtualEntity) => containerOf(world, names(gateway.mark).container);

describe('a gateway that is suspended', () => {
  it('keeps everything, says why, and serves again by a resumption alone', () =>
    onGateway(async (entity) => {
      const before = { gateway: entity.gateway, record: entity.life.record };
      entity.ask({ kind: 'suspend', reason: 'unpaid' });
      expect(await entity.run()).toMatchObject({ outcome: 'done' });
      expect(await container(entity)).toMatchObject({ state: 'exited', restartPolicy: 'no' });
      expect(entity.state).toMatchObject({ phase: 'suspended', reason: 'unpaid' });
      entity.ask({ kind: 'resume' });
      expect(await entity.run()).toMatchObject({ outcome: 'done' });
      expect(await container(entity)).toMatchObject({ state: 'running', restartPolicy: 'always' });
      expect(entity.state).toMatchObject({ phase: 'ready', life: { gateway: before.gateway } });
      expect(entity.life.record?.port).toBe(before.record?.port);
    }));

  it('takes nothing else meanwhile, and names the way out; a removal it takes', () =>
    onGateway(async (entity) => {
      entity.ask({ kind: 'suspend' });
      await entity.drain();
      const refused = /^\S+ is suspended since \S+Z\. `creel resume \S+` has it serve again$/;
      expect(() => entity.ask({ kind: 'rotate', reclaim: false, evict: false })).toThrow(refused);
      expect(() => entity.ask({ kind: 'change', memoryMb: 3000 })).toThrow(refused);
      expect(() => entity.ask({ kind: 'suspend' })).toThrow(refused);
      expect(() => entity.provision()).toThrow(refused);
      expect(await container(entity)).toMatchObject({ state: 'exited' });
      entity.remove();
      await entity.drain();
      expect(entity.state.phase).toBe('removed');
      expect(entity.life.suspended).toBeUndefined();
    }));

  it('begins nothing that waited behind its suspension', () =>
    onGateway(async (entity) => {
      entity.ask({ kind: 'suspend' });
      entity.ask({ kind: 'rotate', reclaim: false, evict: false });
      entity.provision();
      await entity.drain();
      expect(entity.state.ended.map(({ kind, outcome }) => `${kind} ${outcome}`).slice(-3)).toEqual([
        'suspend done',
        'rotate withdrawn',
        'repair withdrawn',
      ]);
      expect(await container(entity)).toMatchObject({ state: 'exited' });
      expect(entity.gateway.tokenGeneration).toBe(1);
    }));

  it('whose container and network somebody has removed meanwhile gets them anew by its resumption, on its state', () =>
    onGateway(async (entity) => {
      const { engine } = entity.world;
      const { mark } = entity.gateway;
      const before = entity.life.record;
      entity.ask({ kind: 'suspend' });
      await entity.drain();
      await engine.removeContainer((await container(entity)).id);
      for (const { id } of await engine.findNetworks(names(mark).network)) await engine.removeNetwork(id);
      entity.ask({ kind: 'resume' });
      expect(await entity.run()).toMatchObject({ outcome: 'done' });
      expect(await container(entity)).toMatchObject({ state: 'running', restartPolicy: 'always' });
      expect(entity.life.record).toMatchObject({ port: before?.port, volume: before?.volume });
    }));

  it('whose suspension could not be finished, nor taken back, serves again by a repair, and nothing is owed', () =>
    onGateway(async (entity) => {
      entity.ask({ kind: 'suspend' });
      const result = await entity.run((step, doing) =>
        (step === 'prove stopped' && doing === 'do') || (step === 'stop gateway' && doing === 'undo')
          ? 'refuse before'
          : undefined,
      );
      expect(result).toMatchObject({ outcome: 'left' });
      expect(entity.state).toMatchObject({ phase: 'degraded', life: { left: [{ step: 'stop gateway' }] } });
      entity.provision();
      await entity.drain();
      expect(entity.state).toMatchObject({ phase: 'ready', life: { left: [] } });
      expect(entity.life.owed).toBeUndefined();
      expect(await container(entity)).toMatchObject({ state: 'running', restartPolicy: 'always' });
      entity.ask({ kind: 'suspend' });
      expect(await entity.run()).toMatchObject({ outcome: 'done' });
    }));

  it('is not resumed when it serves', () =>
    onGateway(async (entity) => {
      expect(() => entity.ask({ kind: 'resume' })).toThrow(/is not suspended\. `creel provision/);
      entity.ask({ kind: 'suspend' });
      expect(() => entity.ask({ kind: 'resume' })).toThrow(
        /is not suspended yet: its suspension \(operation \d+\) (?:waits|is under way)\. `creel resume/,
      );
      await entity.drain();
      entity.ask({ kind: 'resume' });
      await entity.drain();
      expect(entity.state).toMatchObject({ phase: 'ready' });
    }));
});

describe('at every moment of a resumption, in', () => {
  let suspended: Template;
  let interrupted: Interrupted;
  beforeAll(async () => {
    suspended = await suspendedGateway();
    interrupted = new Interrupted(suspended, {
      steps: provisionSteps,
      ask: (entity) => entity.ask({ kind: 'resume' }),
    });
  });
  afterAll(() => suspended.close());

  /** Whatever ended it, the gateway is to serve: a repair goes on. */
  const goesOn = async (entity: VirtualEntity, before: State) => {
    if (entity.state.phase !== 'ready') entity.provision({ spec: entity.gateway.spec });
    await isBack(entity, before);
  };

  describe.each(provisionSteps.map((step) => ({ step, doing: 'do' as const })))('the $doing of $step', (place) => {
    it('removed with its state kept: whole, and it comes back on it', async () => {
      expect(await interrupted.everywhere(place, 'remove', isKeptWhole)).toBeGreaterThan(0);
    });

    it('removed with its state: nothing is left', async () => {
      expect(await interrupted.everywhere(place, 'remove', isGone, true)).toBeGreaterThan(0);
    });

    for (const comes of ['terminate', 'cancel'] as const)
      it(`${comes}: a repair has it serve on its own state`, async () => {
        expect(await interrupted.everywhere(place, comes, goesOn)).toBeGreaterThan(0);
      });
  });
});
