import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { CarriedState1 } from '../../../src/workflows/record/carried-state-1.js';
import { carry, type CarriedState } from '../../../src/workflows/record/carried-state.js';
import { readState } from '../../../src/workflows/record/read-state.js';

const histories = path.resolve('test/replay/histories');
const names = fs.readdirSync(histories, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));

type Recorded = {
  readonly events: readonly {
    readonly workflowExecutionStartedEventAttributes?: {
      readonly workflowType: { readonly name: string };
      readonly input: { readonly payloads: readonly { readonly data: string }[] };
    };
  }[];
};

/** What the run before this one has carried; undefined of a run that was the first, or of another kind. */
function carriedTo(name: string): CarriedState | CarriedState1 | undefined {
  const { events }: Recorded = JSON.parse(fs.readFileSync(path.join(histories, name), 'utf8'));
  const started = events[0]?.workflowExecutionStartedEventAttributes;
  if (started?.workflowType.name !== 'gateway') return undefined;
  return JSON.parse(Buffer.from(started.input.payloads[0]?.data ?? '', 'base64').toString('utf8')).state;
}

const carried = names.flatMap((name) => {
  const state = carriedTo(name);
  return state ? [{ name, state }] : [];
});

test('records of both versions are among the recorded histories', () => {
  expect(new Set(carried.map(({ state }) => state.version))).toEqual(new Set([1, 2]));
});

test.each(carried)('what was carried to $name is read whole and goes on in version 2', ({ state }) => {
  const read = readState(state);
  const again: CarriedState = JSON.parse(JSON.stringify(carry(read)));
  expect(again.version).toBe(2);
  expect(readState(again)).toEqual(read);
  const told = JSON.stringify(again);
  const { life, phase, nextOperation } = state;
  const gateway = life && ('gateway' in life ? life.gateway : life);
  expect({ phase: read.phase, nextOperation: read.nextOperation, gateway: read.life?.gateway }).toEqual({
    phase,
    nextOperation,
    gateway,
  });
  if (state.version === 2) expect(again).toEqual(state);
  else expect(told).toContain(JSON.stringify(state.kept ?? gateway));
});
