import { describe, expect, test } from 'vitest';
import { lostRemovalPlan, removalPlan, removalPlanText } from '../../../src/cli/show/plans/removal-plan.js';
import type { GatewaySpec } from '../../../src/domain/gateway/spec.js';
import { describeState } from '../../../src/workflows/record/describe.js';
import { newLife, type Life } from '../../../src/workflows/record/life.js';
import { emptyState, type GatewayState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { testSpec } from '../../world/open-test-world.js';

const start = { layout: 1, deployment: 'abcdefghij', gateway: 'g42', limits: defaultLimits } as const;
const lifeOf = (spec: Partial<GatewaySpec>, over: Partial<Life> = {}): Life => ({
  ...newLife({
    mark: { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 },
    place: { provider: 'local', host: 'local' },
    spec: { ...testSpec, ...spec },
    tokenGeneration: 1,
    deviceGeneration: 1,
  }),
  ...over,
});

function planned(life: Life | undefined, wish = { purge: false, gone: false }, over: Partial<GatewayState> = {}) {
  const state: GatewayState = { ...emptyState(1, 0), ...(life && { life }), phase: 'ready', ...over };
  return removalPlan(describeState(start, state, undefined), wish);
}

const keeping = { keepStateMs: 86_400_000 };

describe('the dry run of a removal', () => {
  test('says what goes, and that the state stays as long as the spec says', () => {
    const text = removalPlanText(planned(lifeOf(keeping)));
    expect(text).toMatch(/remove {6}container oc-g42-7k3fq2\n {2}remove {6}network oc-g42-7k3fq2\n {2}stays/);
    expect(text).toContain('volume oc-g42-7k3fq2-state, 1 day: `creel provision g42 --restore` takes it up');
    expect(text).toContain('silent for  for good');
  });

  test('of one that keeps nothing, or with --purge, names the state among what goes', () => {
    for (const plan of [planned(lifeOf({})), planned(lifeOf(keeping), { purge: true, gone: false })]) {
      expect(plan.goes).toContain("volume oc-g42-7k3fq2-state, the customer's state");
      expect(plan.stays).toBeUndefined();
    }
  });

  test('names what is taken back, and a former release that goes', () => {
    const former = { shelf: 'a', spec: { ...testSpec, release: '2026.6.11' }, until: 1 } as const;
    const queue = [{ number: 3, kind: 'repair' }] as const;
    const plan = planned(lifeOf(keeping, { former }), undefined, { queue: [...queue] });
    expect(plan.takenBack).toEqual(['operation 3 (repair)']);
    expect(plan.goes).toContainEqual(expect.stringMatching(/state of release 2026\.6\.11.*snap-a or .*snap-b/));
  });

  test('of a kept state lets it go only with --purge', () => {
    const kept = lifeOf(keeping, { stateKeptUntil: 86_400_000 });
    expect(planned(kept, undefined, { phase: 'removed' })).toMatchObject({
      goes: [],
      stays: { volume: 'oc-g42-7k3fq2-state', for: 'until 1970-01-02T00:00:00.000Z' },
    });
    expect(planned(kept, { purge: true, gone: false }, { phase: 'removed' }).goes).toEqual([
      'volume oc-g42-7k3fq2-state',
    ]);
  });

  test('removes nothing from an engine that is gone, and refuses what is removed already', () => {
    expect(planned(lifeOf({}), { purge: false, gone: true })).toMatchObject({
      goes: [],
      silence: 'for good: it is gone with its engine',
    });
    expect(() => planned(lifeOf({}), undefined, { phase: 'removed' })).toThrow('g42 is removed already');
    expect(() => planned(undefined, undefined, { phase: 'none' })).toThrow('nothing of it is on record');
  });

  test('of a life without a record names what bears its names', () => {
    expect(lostRemovalPlan('g42', 'aaaaaa', false)).toMatchObject({
      goes: ['container oc-g42-aaaaaa', 'network oc-g42-aaaaaa'],
      stays: { for: '14 days' },
    });
    expect(lostRemovalPlan('g42', 'aaaaaa', true).goes).toHaveLength(3);
  });
});
