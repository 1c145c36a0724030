import fs from 'node:fs';
import path from 'node:path';
import { Refused } from '../../../src/domain/errors.js';
import type { Changing } from '../../../src/domain/gateway/changing.js';
import { names, type Gateway } from '../../../src/domain/gateway/gateway.js';
import type { Life } from '../../../src/workflows/record/life.js';
import type { ChangeOperation } from '../../../src/workflows/record/operation.js';
import { takeNumber } from '../../../src/workflows/record/state.js';
import type { TestWorld } from '../../world/open-test-world.js';

/** What is asked of an operation that creel does not have: a note is to hang on a gateway. */
export type NoteRequest = { readonly kind: 'note'; readonly text: string };

/** What it comes to: a sheet of its own is used for each. */
export type Note = NoteRequest & { readonly sheet: number };

/** A life whose record says what hangs there. */
export type NotedLife = Life & { note?: Note };

export const noteSteps = ['check wall', 'hang note', 'see note'] as const;

/** It hangs a note on a gateway, and sees it hang there. */
export const note: ChangeOperation<NoteRequest, Note> = {
  kind: 'note',
  workflow: 'hangNote',
  phase: 'changing',
  steps: {
    'check wall': { do: 'probeWall', pace: 'act' }, // only reads
    'hang note': { do: 'ensureNote', undo: 'removeNote', pace: 'act' },
    'see note': { do: 'probeNote', pace: 'wait' }, // only reads
  },
  list: () => noteSteps,
  check: ({ text }) => {
    if (text === '') throw new Refused('a note says something');
  },
  plan: (state, life: NotedLife, { text }) =>
    life.note?.text === text ? 'it hangs there already' : { kind: 'note', text, sheet: takeNumber(state) },
  apply: (_state, life: NotedLife, change) => {
    life.note = change;
  },
  within: ({ limits }) => limits.waitMs,
};

function wallOf(world: TestWorld): string {
  return path.join(world.root, 'notes');
}

/** What hangs on a gateway; undefined when nothing does. */
export function seenOn(world: TestWorld, { mark }: Pick<Gateway, 'mark'>): string | undefined {
  const file = path.join(wallOf(world), names(mark).container);
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
}

/** What its room of activities would hold. */
export function noteActivities(world: TestWorld) {
  const file = ({ mark }: Gateway) => path.join(wallOf(world), names(mark).container);
  return {
    probeWall: async (gateway: Changing<Note>) => void (await world.activities.findGateway(gateway)),
    ensureNote: async (gateway: Changing<Note>) => {
      fs.mkdirSync(wallOf(world), { recursive: true });
      fs.writeFileSync(file(gateway), gateway.change.text);
    },
    removeNote: async (gateway: Changing<Note>) => fs.rmSync(file(gateway), { force: true }),
    probeNote: async (gateway: Changing<Note>) => {
      if (seenOn(world, gateway) !== gateway.change.text) throw new Refused('the note does not hang there');
    },
  };
}
