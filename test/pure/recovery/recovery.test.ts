import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { layout } from '../../../src/domain/gateway/gateway.js';
import {
  recoveredOf,
  type ExportedGateway,
  type ExportHead,
  type ExportLine,
} from '../../../src/domain/recovery/exported.js';
import { findGeneration } from '../../../src/activities/provision/generation.js';
import { readExport } from '../../../src/settings/export-file.js';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { beginOperation, endOperation } from '../../../src/workflows/entity/begin-end.js';
import { checkRequest } from '../../../src/workflows/entity/check.js';
import { emptyState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import type { ProvisionRequest } from '../../../src/wire/requests.js';
import { openTestWorld, testDeployment, testSpec } from '../../world/open-test-world.js';
import { refusal } from '../refusal.js';

const head: ExportHead = {
  creel: 'export',
  form: 1,
  at: '2026-11-29T02:30:00.000Z',
  deployment: 'testdeploy',
  layout,
  keys: [{ id: '01234567', check: 'x', state: 'current' }],
  engines: [],
  releases: [],
};
const exported: ExportedGateway = {
  gateway: 'g42',
  phase: 'ready',
  since: head.at,
  life: {
    mark: { deployment: testDeployment, gateway: 'g42', birth: '7k3fq2', layout },
    place: { provider: 'local', host: 'local', engine: 'engine-one' },
    spec: testSpec,
    tokenGeneration: 1_500,
    deviceGeneration: 2,
  },
  burned: { token: 3_000, device: 4 },
  approved: ['d'.repeat(64)],
};
const end = { end: { gateways: 1, silent: [] } };

function file(...lines: readonly (ExportLine | object)[]): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'creel-export-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const name = path.join(directory, 'creel.jsonl');
  writeFileSync(name, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return name;
}

describe('an export', () => {
  test('is read as it was written', () => {
    expect(readExport(file(head, exported, end))).toEqual({ head, gateways: [exported], silent: [] });
  });

  test.each([
    ['none', [{ something: 'else' }], /is no export of creel/],
    ['one of a newer form', [{ ...head, form: 2 }, end], /written by a newer creel/],
    ['one that was cut off', [head, exported], /was cut off/],
    ['one with a line less', [head, end], /was cut off/],
    [
      'one with a malformed birth',
      [head, { ...exported, life: { ...exported.life, mark: { ...exported.life.mark, birth: 'x' } } }, end],
      /line 2: birth "x" is malformed/,
    ],
    [
      'one without a generation',
      [head, { ...exported, life: { ...exported.life, tokenGeneration: 0 } }, end],
      /line 2: life\.tokenGeneration/,
    ],
  ])('%s is refused', (_title, lines, fault) => {
    expect(refusal(() => readExport(file(...lines)))).toMatch(fault);
  });
});

const asked: ProvisionRequest = {
  kind: 'provision',
  requestId: 'recover',
  origin: 'test',
  spec: testSpec,
  place: { provider: 'local', host: 'local' },
  birth: '7k3fq2',
  how: 'take up',
  recovered: recoveredOf(exported),
};

describe('a life that is taken up by an export', () => {
  test('is adopted with its generations and devices, and burns above whatever was burned', () => {
    const state = emptyState(1, 0);
    checkRequest(state, asked, defaultLimits);
    acceptRequest(state, asked, testDeployment, 'g42', 0);
    const begun = beginOperation(state, 0);
    expect(state.phase).toBe('adopting');
    expect(state.life?.gateway).toMatchObject({ tokenGeneration: 1_500, deviceGeneration: 2 });
    expect(state.life?.approved).toEqual(exported.approved);
    if (!begun) throw new Error('nothing began');
    const done = { outcome: 'done', reason: '', record: undefined, entered: [], skipped: [], left: [] } as const;
    endOperation(state, begun, { ...done, tokenGeneration: 1_501 }, 0);
    expect(state.life?.gateway.tokenGeneration).toBe(1_501);
    expect(state.life?.burned).toEqual({ token: 3_000, device: 4 });
  });

  test('of a removed gateway is a tombstone again, where no more than its state was found; its time leaves a day', () => {
    const day = 24 * 3_600_000;
    for (const [until, keptUntil] of [
      [9 * day, 9 * day],
      [day / 2, 2 * day],
    ] as const) {
      const state = emptyState(1, 0);
      const recovered = recoveredOf({ ...exported, phase: 'removed', stateKeptUntil: new Date(until).toISOString() });
      const request = { ...asked, recovered };
      checkRequest(state, request, defaultLimits);
      acceptRequest(state, request, testDeployment, 'g42', day);
      const begun = beginOperation(state, day);
      if (!begun) throw new Error('nothing began');
      const entered = [{ step: 'keep state', unsettledUntil: 0 }];
      const done = { outcome: 'done', reason: '', record: undefined, entered, skipped: [], left: [] } as const;
      endOperation(state, begun, { ...done, tokenGeneration: 1_501, kept: true }, day);
      expect(state).toMatchObject({
        phase: 'removed',
        life: { stateKeptUntil: keptUntil, gateway: { tokenGeneration: 1_501 } },
      });
      const { recovered: _known, ...plain } = asked;
      checkRequest(state, { ...plain, requestId: 'back', how: 'restore' }, defaultLimits);
    }
  });

  test('of a suspended gateway is suspended again once it was found, whatever was found of it', () => {
    const suspended = { since: 5, reason: 'unpaid' };
    const state = emptyState(1, 0);
    const request = { ...asked, recovered: recoveredOf({ ...exported, phase: 'suspended', suspended }) };
    checkRequest(state, request, defaultLimits);
    acceptRequest(state, request, testDeployment, 'g42', 0);
    const done = { outcome: 'done', reason: '', record: undefined, entered: [], skipped: [], left: [] } as const;
    for (let begun = beginOperation(state, 1); begun; begun = beginOperation(state, 1))
      endOperation(state, begun, { ...done, tokenGeneration: 1_501 }, 1);
    expect(state).toMatchObject({ phase: 'suspended', reason: 'unpaid', life: { suspended: { reason: 'unpaid' } } });
  });

  test('what an export says goes with a take up alone, in whole generations', () => {
    const check = (extra: Partial<ProvisionRequest>) => () =>
      checkRequest(emptyState(1, 0), { ...asked, ...extra }, defaultLimits);
    expect(refusal(check({ how: 'new' }))).toMatch(/goes with a take up alone/);
    const recovered = recoveredOf(exported);
    expect(refusal(check({ recovered: { ...recovered, tokenGeneration: 1.5 } }))).toMatch(/whole generations/);
    const malformed: object = { suspended: { since: 'June', reason: '' } };
    expect(refusal(check({ recovered: { ...recovered, ...malformed } }))).toMatch(/goes with a take up alone/);
    expect(refusal(check({ recovered: { ...recovered, approved: Array(65).fill('d') } }))).toMatch(/its devices/);
  });

  test.each([1, 1_001, 4_321, 6_000])('is found at generation %i, wherever the export stood', async (generation) => {
    const world = openTestWorld();
    onTestFinished(world.close);
    const gateway = { ...world.gateway('g42'), tokenGeneration: generation };
    for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig'] as const) await world.activities[step](gateway);
    for (const known of [Math.max(1, generation - 2_000), generation, generation + 7])
      expect(await findGeneration(world.deps, { ...gateway, tokenGeneration: known })).toBe(generation);
  });
});
