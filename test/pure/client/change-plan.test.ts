import { describe, expect, test } from 'vitest';
import { changePlan, changePlanText, type Planned } from '../../../src/cli/show/plans/change-plan.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { newLife } from '../../../src/workflows/record/life.js';
import { emptyState, type GatewayState } from '../../../src/workflows/record/state.js';
import { describeState } from '../../../src/workflows/record/describe.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { testSpec } from '../../world/open-test-world.js';

const gateway: Gateway = {
  mark: { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 },
  place: { provider: 'local', host: 'local' },
  spec: { ...testSpec, memoryMb: 2048 },
  tokenGeneration: 1,
  deviceGeneration: 1,
};
const start = { layout: 1, deployment: 'abcdefghij', gateway: 'g42', limits: defaultLimits } as const;

function plan(wish: Planned, over: Partial<GatewayState> = {}) {
  const state: GatewayState = { ...emptyState(1, 0), life: newLife(gateway), phase: 'ready', ...over };
  return changePlan(describeState(start, state, undefined), wish);
}

describe('the dry run of a change', () => {
  test.each([
    ['memory', { memoryMb: 4096 }, ['limits by the engine'], /^0 s$/],
    ['processors', { cpus: 4 }, ['limits by the engine'], /^0 s$/],
    ['channels', { channels: [] }, ['channels by the gateway'], /otherwise one stop and one start/],
    ['both', { memoryMb: 4096, channels: [] }, ['limits by the engine', 'channels by the gateway'], /otherwise/],
    ['models', { models: 'none' }, ['models by the gateway'], /otherwise one stop and one start/],
    ['what is only on record', { rotation: 'scheduled' }, ['record only'], /^0 s$/],
  ] as const)('of %s names the way, no new container, and the silence', (_what, wish, ways, silence) => {
    const found = plan({ kind: 'change', ...wish });
    expect(found.ways).toEqual(ways);
    expect(found.silence).toMatch(silence);
    expect(changePlanText(found)).toContain('new container  no');
  });

  test('of another release names the new container and what is rehearsed on which state', () => {
    const upgrade = plan({ kind: 'upgrade', release: '2026.9.7', dev: true, retryFailed: false });
    expect(changePlanText(upgrade)).toMatch(/new container  yes[^]*2026\.9\.7 starts on a copy of the state;/);
    const spec = { ...gateway.spec, release: '2026.6.11' };
    const back = plan({ kind: 'rollback' }, { life: { ...newLife(gateway), former: { shelf: 'a', spec, until: 1 } } });
    expect(changePlanText(back)).toMatch(/2026\.6\.11 starts on a copy of the state that was kept[^]*take state/);
  });

  test.each([
    ['what it has', { kind: 'change', memoryMb: 2048 }, {}, /has what is asked for already/],
    [
      'less memory than a gateway boots with (S0-25)',
      { kind: 'change', memoryMb: 1024 },
      {},
      /memory 1024 MB is too little/,
    ],
    ['its own release', { kind: 'upgrade', release: testSpec.release, dev: true, retryFailed: false }, {}, /already/],
    ['a release that is not kept', { kind: 'rollback' }, {}, /no earlier release is kept/],
    ['a gateway that is removed', { kind: 'rollback' }, { phase: 'removed' }, /does not run \(removed\)/],
  ] as const)('of %s is refused as the gateway would refuse it', (_what, wish, over, words) => {
    expect(() => plan(wish, over)).toThrow(words);
  });
});
