import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../src/domain/changes/change.js';
import { Refused } from '../../src/domain/errors.js';
import { names, type Gateway } from '../../src/domain/gateway/gateway.js';
import type { Changing } from '../../src/domain/gateway/changing.js';
import { change, type ChangeOperation } from '../../src/workflows/record/operation.js';
import type { Rotation } from '../../src/domain/changes/rotation.js';
import { proveChange } from './proofs/prove-change.js';
import type { TestWorld } from '../world/open-test-world.js';
import type { ChangeStage } from './proofs/change-stage.js';

/** An operation that creel does not have: it hangs a note on a gateway, and sees it hang there. */
type Note = { readonly kind: 'note'; readonly text: string };

const steps = ['check wall', 'hang note', 'see note'] as const;

const note: ChangeOperation<Note, Note> = {
  kind: 'note',
  workflow: 'hangNote',
  phase: 'changing',
  steps: {
    'check wall': { do: 'probeWall', pace: 'act' }, // only reads
    'hang note': { do: 'ensureNote', undo: 'removeNote', pace: 'act' },
    'see note': { do: 'probeNote', pace: 'wait' }, // only reads
  },
  list: () => steps,
  check: ({ text }) => {
    if (text === '') throw new Refused('a note says something');
  },
  plan: (_state, _life, { text }) => ({ kind: 'note', text }),
  apply: () => undefined, // it hangs in the world alone
  within: ({ limits }) => limits.waitMs,
};

function wallOf(world: TestWorld): string {
  return path.join(world.root, 'notes');
}

function noteOn(world: TestWorld, { mark }: Pick<Gateway, 'mark'>): string {
  return path.join(wallOf(world), names(mark).container);
}

/** What its room of activities would hold. */
function activities(world: TestWorld) {
  const file = (gateway: Changing<Note>) => noteOn(world, gateway);
  return {
    probeWall: async (gateway: Changing<Note>) => void (await world.activities.findGateway(gateway)),
    ensureNote: async (gateway: Changing<Note>) => {
      fs.mkdirSync(wallOf(world), { recursive: true });
      fs.writeFileSync(file(gateway), gateway.change.text);
    },
    removeNote: async (gateway: Changing<Note>) => fs.rmSync(file(gateway), { force: true }),
    probeNote: async (gateway: Changing<Note>) => {
      const hangs = fs.existsSync(file(gateway)) && fs.readFileSync(file(gateway), 'utf8') === gateway.change.text;
      if (!hangs) throw new Refused('the note does not hang there');
    },
  };
}

/** A change as a later version of creel would have one: none of this version's types. */
const wanted: Change = JSON.parse('{"kind":"note","text":"back at five"}');

const hangs = ({ world, gateway }: ChangeStage) => fs.existsSync(noteOn(world, gateway));

describe('an operation of a test’s own', () => {
  proveChange({
    operation: note,
    steps,
    activities,
    begin: async () => wanted,
    isDone: async (stage) => assert.ok(hangs(stage)),
    isBack: async (stage) => assert.ok(!hangs(stage)),
  });
});

describe('what does not fit together does not compile', () => {
  const rotation = { kind: 'rotate', workflow: 'rotateToken', phase: 'rotating', apply: () => undefined } as const;

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
