import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { askableNow, planFor, type Act, type Found, type Living, type Plan } from '../../../src/domain/apply/plan.js';
import type { Channel } from '../../../src/domain/channels/channel.js';
import { changedSpec, type GatewaySpec } from '../../../src/domain/gateway/spec.js';
import { differing } from '../../../src/domain/gateway/spec-words.js';
import { compareReleases } from '../../../src/domain/release/release.js';
import { testSpec } from '../../world/open-test-world.js';

const spec: GatewaySpec = { ...testSpec, dev: false, cpus: 2 };
const alive = (over: Partial<Living> = {}): Living => ({ is: 'alive', spec, ...over });
const plan = (asked: Partial<GatewaySpec>, found: Found = alive()) =>
  planFor({ gateway: 'g42', spec: { ...spec, ...asked } }, found);
const actsOf = (made: Plan): readonly Act[] => ('acts' in made ? made.acts : []);
const kinds = (made: Plan) => actsOf(made).map(({ act }) => act);
const refusalOf = (made: Plan) => ('refused' in made ? made.refused : '');

const telegram: Channel = { kind: 'telegram', secrets: { botToken: 'secret:a' }, allowFrom: ['1'] };
const specs = fc.record(
  {
    release: fc.constantFrom('2026.6.11', '2026.9.6', '2026.9.7', '2026.10.1'),
    dev: fc.boolean(),
    memoryMb: fc.constantFrom(2048, 4096),
    cpus: fc.constantFrom(1, 2),
    keepStateMs: fc.constantFrom(0, 86_400_000),
    parkMs: fc.constantFrom(0, 60_000),
    channels: fc.constantFrom([], [telegram], [{ ...telegram, allowFrom: ['1', '2'] }]),
    keepFormerMs: fc.constantFrom(0, 604_800_000),
    rotation: fc.constant('scheduled' as const),
    repair: fc.constant('scheduled' as const),
  },
  { requiredKeys: ['release', 'dev', 'memoryMb', 'cpus', 'keepStateMs', 'parkMs', 'channels'] },
);

/** What a gateway is after an act, as its record has it then. */
function after(has: GatewaySpec, act: Act): GatewaySpec {
  if (act.act === 'upgrade') return { ...has, release: act.release, dev: act.dev };
  return act.act === 'change' || act.act === 'settings' ? changedSpec(has, act.change) : has;
}

describe('what of a plan is asked of the record before anything is begun', () => {
  const asked = (over: Partial<Living>) =>
    askableNow(actsOf(plan({ memoryMb: 4096 }, alive(over)))).map(({ act }) => act);

  test('is the repair alone where that comes first: the record refuses everything else until then', () => {
    expect(asked({ wrong: 'it is degraded: x', down: true })).toEqual(['repair']);
  });

  test('is all of it otherwise, and nothing where an operation is waited for', () => {
    expect(asked({})).toEqual(['change']);
    expect(asked({ wrong: 'it is degraded: x' })).toEqual(['change', 'repair']);
    expect(asked({ busy: { operation: 3, kind: 'upgrade' } })).toEqual([]);
  });
});

describe('the plan for a file', () => {
  test('is nothing where the gateway is what the file says', () => {
    fc.assert(
      fc.property(specs, (same) => kinds(planFor({ gateway: 'g', spec: same }, alive({ spec: same }))).length === 0),
    );
  });

  test('leads to what the file says, each act once, or is refused for an older release alone', () => {
    fc.assert(
      fc.property(specs, specs, (has, asked) => {
        const done: string[] = [];
        let now: GatewaySpec = has;
        for (;;) {
          const made = planFor({ gateway: 'g', spec: asked }, alive({ spec: now }));
          if (!('acts' in made)) {
            expect(compareReleases(asked.release, has.release)).toBeLessThan(0);
            expect(done).toEqual([]);
            return;
          }
          const [next] = made.acts;
          if (!next) break;
          expect(done).not.toContain(next.act);
          expect(made.differences.length).toBeGreaterThan(0);
          done.push(next.act);
          now = after(now, next);
        }
        expect(differing(now, asked).filter((field) => field !== 'dev')).toEqual([]);
      }),
    );
  });

  test.each([
    ['memory', { memoryMb: 4096 }, ['limits by the engine']],
    ['channels', { channels: [telegram] }, ['channels by the gateway']],
    ['both', { cpus: 4, channels: [telegram] }, ['limits by the engine', 'channels by the gateway']],
    [
      'what only the record has',
      { rotation: 'scheduled', repair: 'scheduled', parkMs: 60_000, diskMb: 10_240 },
      ['record only'],
    ],
  ] as const)('changes %s in one operation, by its way', (_what, asked, ways) => {
    expect(actsOf(plan(asked))).toMatchObject([{ act: 'change', ways }]);
  });

  test('takes out what the file no longer says: the file is the whole gateway', () => {
    const has = {
      ...spec,
      memoryMb: 4096,
      diskMb: 10_240,
      channels: [telegram],
      keepFormerMs: 0,
      rotation: 'scheduled',
      repair: 'scheduled',
    } as const;
    expect(actsOf(plan({}, alive({ spec: has })))).toMatchObject([
      {
        act: 'change',
        change: {
          memoryMb: 2048,
          diskMb: 'none',
          channels: [],
          keepFormerMs: 604_800_000,
          rotation: 'manual',
          repair: 'manual',
        },
      },
    ]);
  });

  test('puts what counts for an upgrade before it, and what is written for the new release after it', () => {
    const made = plan({ release: '2026.9.7', parkMs: 60_000, memoryMb: 4096, diskMb: 10_240 });
    expect(actsOf(made)).toMatchObject([
      { act: 'settings', change: { parkMs: 60_000, diskMb: 10_240 }, ways: ['record only'] },
      { act: 'upgrade', release: '2026.9.7', dev: false },
      { act: 'change', change: { memoryMb: 4096 } },
    ]);
  });

  test('repairs a degraded gateway after its change, and one that is down before it', () => {
    expect(kinds(plan({}, alive({ wrong: 'w' })))).toEqual(['repair']);
    expect(kinds(plan({ cpus: 4 }, alive({ wrong: 'w' })))).toEqual(['change', 'repair']);
    expect(kinds(plan({ cpus: 4 }, alive({ wrong: 'w', down: true })))).toEqual(['repair', 'change']);
  });

  test('waits for what runs before anything else, and refuses nothing until then', () => {
    const busy = { operation: 3, kind: 'upgrade' };
    expect(kinds(plan({ cpus: 4 }, alive({ busy })))).toEqual(['wait', 'change']);
    expect(kinds(plan({ release: '2026.6.11' }, alive({ busy })))[0]).toBe('wait');
  });

  test('leaves dev alone where the release stays, and says so', () => {
    const made = plan({ dev: true });
    expect(made).toEqual({ acts: [], differences: [], note: 'dev = true counts from its next release on' });
    expect(actsOf(plan({ dev: true, release: '2026.9.7' }))).toEqual([
      { act: 'upgrade', release: '2026.9.7', dev: true },
    ]);
  });

  test('gives a gateway that lives other models, or takes them away', () => {
    const models = {
      default: 'anthropic/x',
      fallbacks: [],
      providers: [{ id: 'anthropic', key: 'secret:a' }],
    } as const;
    const ways = ['models by the gateway'];
    expect(plan({ models })).toMatchObject({ acts: [{ act: 'change', change: { models }, ways }] });
    const without = { acts: [{ act: 'change', change: { models: 'none' }, ways }] };
    expect(plan({}, alive({ spec: { ...spec, models } }))).toMatchObject(without);
    expect(kinds(plan({ models }, alive({ spec: { ...spec, models } })))).toEqual([]);
    expect(kinds(plan({ models }, { is: 'nothing' }))).toEqual(['provision']);
  });

  test('begins what is not there', () => {
    expect(plan({}, { is: 'nothing' })).toEqual({ acts: [{ act: 'provision' }], differences: [] });
  });

  test('refuses an older release with the way that there is', () => {
    expect(refusalOf(plan({ release: '2026.6.11' }))).toContain('Write release = "2026.9.6" or a newer one');
    expect(refusalOf(plan({ release: '2026.6.11' }, alive({ former: '2026.6.11' })))).toContain(
      '`creel rollback g42` goes back to it',
    );
  });

  test('decides nothing about a kept state, a removal under way, a lost record or an engine without a worker', () => {
    expect(refusalOf(plan({}, { is: 'kept', until: 'tomorrow' }))).toMatch(
      /until tomorrow.*`creel provision g42 --restore`.*`creel remove g42 --purge`/,
    );
    expect(refusalOf(plan({}, { is: 'going' }))).toContain('Apply again when it is gone');
    expect(refusalOf(plan({}, { is: 'lost', cure: 'take it up' }))).toBe('take it up');
    expect(plan({}, { is: 'unattended', why: 'nobody' })).toEqual({ unknown: 'nobody' });
  });
});
