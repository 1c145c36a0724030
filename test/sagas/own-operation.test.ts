import assert from 'node:assert/strict';
import { describe, expect, it, vi } from 'vitest';
import type { Change } from '../../src/domain/changes/change.js';
import type { Pairing } from '../../src/domain/changes/pairing.js';
import type { Rotation } from '../../src/domain/changes/rotation.js';
import type { PairRequest, RotateRequest } from '../../src/wire/change-requests.js';
import { change } from '../../src/workflows/record/operation.js';
import { openTestWorld, testSpec } from '../world/open-test-world.js';
import type { ChangeStage } from './proofs/change-stage.js';
import { provisioned } from './proofs/interrupted.js';
import { noteActivities, noteSteps, seenOn, note, type NotedLife } from './proofs/note.js';
import { proveChange } from './proofs/prove-change.js';
import { VirtualEntity, type Wish } from './proofs/virtual-entity.js';

/** Its line among the operations: from there on creel has it. */
vi.mock('../../src/workflows/changes.js', async (original: () => Promise<{ changes: readonly unknown[] }>) => {
  const { changes } = await original();
  return { changes: [...changes, (await import('./proofs/note.js')).note] };
});

/** A change as a later version of creel would have one: none of this version's types. */
const wanted: Change = JSON.parse('{"kind":"note","text":"back at five","sheet":1}');

/** What is asked of it, likewise. */
const asking = (text: string): Wish => JSON.parse(JSON.stringify({ kind: 'note', text }));

const hangs = ({ world, gateway }: ChangeStage) => seenOn(world, gateway) !== undefined;

describe('an operation of a test’s own', () => {
  proveChange({
    operation: note,
    steps: noteSteps,
    activities: noteActivities,
    begin: async () => wanted,
    isDone: async (stage) => assert.ok(hangs(stage)),
    isBack: async (stage) => assert.ok(!hangs(stage)),
  });
});

/** A gateway of a creel that has it. */
async function onGateway(run: (entity: VirtualEntity) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  try {
    const activities = { ...world.activities, ...noteActivities(world) };
    await run(await provisioned(new VirtualEntity({ ...world, activities }), testSpec));
  } finally {
    world.close();
  }
}

/** What the record of a gateway says that hangs on it, and what does. */
function notesOf({ world, gateway, life, state }: VirtualEntity) {
  const { note: recorded }: NotedLife = life;
  return { recorded, seen: seenOn(world, gateway), phase: state.phase };
}

describe('such an operation, asked of a gateway', () => {
  it('is checked, planned, carried out and put on record by its declaration', () =>
    onGateway(async (entity) => {
      entity.ask(asking('back at five'));
      expect(await entity.run()).toMatchObject({ outcome: 'done' });
      const sheet = entity.state.nextOperation - 1; // The number after its own.
      const recorded = { kind: 'note', text: 'back at five', sheet };
      expect(notesOf(entity)).toEqual({ recorded, seen: 'back at five', phase: 'ready' });
    }));

  it('is refused by its own check, and nothing begins', () =>
    onGateway(async (entity) => {
      expect(() => entity.ask(asking(''))).toThrow('a note says something');
      expect(entity.state.queue).toEqual([]);
    }));

  it('is withdrawn when its plan says that it comes to nothing any more', () =>
    onGateway(async (entity) => {
      entity.ask(asking('back at five'));
      entity.ask(asking('back at five'));
      await entity.drain();
      expect(entity.state.ended.slice(-2)).toMatchObject([
        { outcome: 'done' },
        { outcome: 'withdrawn', reason: 'it hangs there already' },
      ]);
    }));

  it('goes back when its own time is over, and its record says nothing of it', () =>
    onGateway(async (entity) => {
      entity.ask(asking('back at five'));
      const at = ({ step }: { step: string }) => (step === 'see note' ? ('time is over' as const) : undefined);
      expect(await entity.run(undefined, { at })).toMatchObject({ outcome: 'undone' });
      expect(notesOf(entity)).toEqual({ recorded: undefined, seen: undefined, phase: 'ready' });
    }));
});

describe('what does not fit together does not compile', () => {
  const rotation = { kind: 'rotate', workflow: 'rotateToken', phase: 'rotating', apply: () => undefined } as const;
  const fitting = {
    ...rotation,
    steps: { 'apply token': { do: 'ensureToken', undo: 'restoreToken', pace: 'act' } },
    list: (_change: Rotation) => ['apply token'] as const,
  } as const;
  const rotated: Rotation = JSON.parse('{"kind":"rotate"}');
  const pairing: Pairing = JSON.parse('{"kind":"pair"}');

  it('but what does', () => {
    const declared = change({ ...fitting, check: (_asked: RotateRequest) => undefined, plan: () => rotated });
    expect(declared.kind).toBe('rotate');
  });

  it('a kind that is not that of its change', () => {
    // @ts-expect-error it is a rotation
    const declared = change({ ...fitting, kind: 'pair' });
    expect(declared.kind).toBe('pair');
  });

  it('a check of what another operation is asked for', () => {
    // @ts-expect-error nobody asks for a rotation by a pairing
    const declared = change({ ...fitting, check: (_asked: PairRequest) => undefined });
    expect(declared.kind).toBe('rotate');
  });

  it('a plan that reads what another operation is asked for', () => {
    const declared = change({
      ...fitting,
      check: (_asked: RotateRequest) => undefined,
      // @ts-expect-error its check reads a rotation
      plan: (_state, _life, _asked: PairRequest) => rotated,
    });
    expect(declared.kind).toBe('rotate');
  });

  it('a plan that comes to the change of another operation', () => {
    const declared = change({
      ...fitting,
      check: (_asked: RotateRequest) => undefined,
      // @ts-expect-error it is a rotation
      plan: () => pairing,
    });
    expect(declared.kind).toBe('rotate');
  });

  it('an activity that takes what another operation tells', () => {
    const declared = change({
      ...rotation,
      // @ts-expect-error a pairing is told of a device
      steps: { 'apply token': { do: 'ensureToken', undo: 'removeApproval', pace: 'act' } },
      list: (_change: Rotation) => ['apply token'] as const,
    });
    expect(declared.kind).toBe('rotate');
  });

  it('an activity that nobody has', () => {
    const declared = change({
      ...rotation,
      // @ts-expect-error it is called ensureToken
      steps: { 'apply token': { do: 'ensureTokens', pace: 'act' } },
      list: (_change: Rotation) => ['apply token'] as const,
    });
    expect(declared.kind).toBe('rotate');
  });

  it('a step of the list that has no row', () => {
    const declared = change({
      ...rotation,
      steps: { 'apply token': { do: 'ensureToken', undo: 'restoreToken', pace: 'act' } },
      // @ts-expect-error it is called apply token
      list: (_change: Rotation) => ['aply token'] as const,
    });
    expect(declared.kind).toBe('rotate');
  });
});
