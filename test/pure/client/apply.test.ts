import { describe, expect, test, vi } from 'vitest';
import { plannedLines, plannedJson, isDue } from '../../../src/cli/show/plans/apply-plan.js';
import { applyNdjson, applyPipe, summaryText } from '../../../src/cli/show/apply-progress.js';
import { eachAtOnce } from '../../../src/client/apply/at-once.js';
import { foundIn } from '../../../src/client/apply/look.js';
import type { Frame } from '../../../src/client/follow/frame.js';
import { planFor, type Found } from '../../../src/domain/apply/plan.js';
import { settingsThatDiffer } from '../../../src/domain/gateway/spec-words.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import type { GatewaySpec } from '../../../src/domain/gateway/spec.js';
import { describeState } from '../../../src/workflows/record/describe.js';
import { newLife } from '../../../src/workflows/record/life.js';
import { emptyState, type GatewayState } from '../../../src/workflows/record/state.js';
import { testSpec } from '../../world/open-test-world.js';

const life = newLife({
  mark: { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 },
  place: { provider: 'local', host: 'local' },
  spec: testSpec,
  tokenGeneration: 1,
  deviceGeneration: 1,
});
const start = { layout: 1, deployment: 'abcdefghij', gateway: 'g42', limits: defaultLimits } as const;
const told = (over: Partial<GatewayState>) =>
  describeState(start, { ...emptyState(1, 0), life, phase: 'ready', ...over }, undefined);
const found = (over: Partial<GatewayState>, ...rest: [usable?: { ok: boolean; text: string; unattended?: true }]) =>
  foundIn(told(over), undefined, rest[0]);

describe('what is found of a gateway', () => {
  test('that serves is its spec', () => {
    expect(found({})).toEqual({ is: 'alive', spec: testSpec });
    expect(found({}, { ok: true, text: '' })).toEqual({ is: 'alive', spec: testSpec });
  });

  test('that is not usable, degraded, or seen by no worker says so', () => {
    expect(found({}, { ok: false, text: 'x' })).toMatchObject({ wrong: 'it is not usable now: x', down: true });
    expect(found({ phase: 'degraded', reason: 'x' })).toEqual({
      is: 'alive',
      spec: testSpec,
      wrong: 'it is degraded: x',
    });
    const left = { ...life, left: [{ step: 'join network', kind: 'Error', reason: 'y' }] };
    expect(found({ phase: 'degraded', reason: 'x', life: left })).toMatchObject({ down: true });
    expect(found({}, { ok: false, text: 'x', unattended: true })).toEqual({ is: 'unattended', why: 'x' });
  });

  test('that is removed is nothing, or the state that it kept; one that is being removed is going', () => {
    expect(found({ phase: 'removed' })).toEqual({ is: 'nothing' });
    const kept = { ...life, stateKeptUntil: 86_400_000 };
    expect(found({ phase: 'removed', life: kept })).toEqual({ is: 'kept', until: '1970-01-02T00:00:00.000Z' });
    expect(found({ queue: [{ number: 2, kind: 'remove', purge: false }] })).toEqual({ is: 'going' });
  });

  test('whose record was ended names the cure', () => {
    const lost = foundIn(told({}), { how: 'terminated', at: 'noon' }, undefined);
    expect(lost).toMatchObject({ is: 'lost', cure: expect.stringContaining('`creel provision g42 --birth 7k3fq2 -f') });
  });
});

const filed = (spec: Partial<GatewaySpec> = {}) => ({
  gateway: 'g42',
  file: 'g42.toml',
  spec: { ...testSpec, ...spec },
});
const planned = (spec: Partial<GatewaySpec>, is: Found = { is: 'alive', spec: testSpec }) => {
  const each = filed(spec);
  return { filed: each, plan: planFor(each, is) };
};

describe('a dry run', () => {
  test.each<[string, Partial<GatewaySpec>, RegExp[]]>([
    ['nothing', {}, [/^g42 \(g42\.toml\): as it should be, as recorded$/]],
    ['limits', { memoryMb: 4096 }, [/~ memory {6}"2 GB" → "4 GB"/, /silent for 0 s$/m]],
    [
      'channels',
      { channels: [{ kind: 'telegram', secrets: { botToken: 'secret:a' }, allowFrom: ['1'] }] },
      [
        /~ channels {4}none → telegram \(bot_token = "secret:a", allow_from = \["1"\]\)/,
        /otherwise one stop and one start/,
      ],
    ],
    ['a release', { release: '2026.9.7' }, [/: upgrade$/m, /silent for one stop and one start, some twelve seconds/]],
    ['an older one', { release: '2026.6.11' }, [/REFUSED: release 2026\.6\.11 is older than 2026\.9\.6/]],
  ])('of %s says what differs, how, and the silence', (_what, spec, words) => {
    const text = plannedLines(planned(spec)).join('\n');
    for (const word of words) expect(text).toMatch(word);
    expect(isDue(planned(spec))).toBe(Object.keys(spec).length > 0);
  });

  test('of a new gateway shows the whole of it, and of one that is busy or wrong the reason', () => {
    expect(plannedLines(planned({}, { is: 'nothing' })).join('\n')).toMatch(
      /: new\n {2}\+ release {5}"2026\.9\.6"[^]*\+ memory {6}"2 GB"[^]*silent for 0 s: it is new/,
    );
    const busy: Found = { is: 'alive', spec: testSpec, busy: { operation: 3, kind: 'rotate' } };
    expect(plannedLines(planned({}, busy)).join('\n')).toContain('operation 3 (rotate) is under way');
    const wrong: Found = { is: 'alive', spec: testSpec, wrong: 'it is degraded: x' };
    expect(plannedLines(planned({}, wrong)).join('\n')).toMatch(/: repair\n.*nothing removed: it is degraded: x/);
    expect(plannedLines(planned({}, { is: 'unattended', why: 'nobody' }))).toEqual([
      'g42 (g42.toml): not known: nobody',
    ]);
  });

  test('shows that models differ where their names are only counted', () => {
    const named = (...names: string[]): GatewaySpec => {
      const own = { id: 'own', baseUrl: 'http://proxy:4000', api: 'openai-completions', models: names } as const;
      return { ...testSpec, models: { default: 'own/a', fallbacks: [], providers: [own] } };
    };
    const differences = settingsThatDiffer(named('a', 'x'), named('a', 'y'));
    expect(differences).toMatchObject([
      { setting: 'models', asked: expect.stringMatching(/names.*only counted here$/) },
    ]);
  });

  test('as JSON has each act with its silence', () => {
    expect(plannedJson(planned({ cpus: 4 }))).toMatchObject({
      gateway: 'g42',
      differences: [{ setting: 'cpus', has: '1', asked: '4' }],
      acts: [{ act: 'change', silence: '0 s' }],
    });
  });
});

test('the summary names those for which something was done, and counts all', () => {
  const text = summaryText([
    { gateway: 'anna', end: 'left alone', reason: '', operations: [] },
    { gateway: 'berta', end: 'failed', reason: 'x', operations: [{ act: 'upgrade', kind: 'upgrade', operation: 3 }] },
  ]);
  expect(text).toMatch(/^GATEWAY +END +OPERATIONS\nberta +FAILED +3 upgrade\n1 as it should be, 1 FAILED$/);
  expect(summaryText([{ gateway: 'anna', end: 'left alone', reason: '', operations: [] }])).toBe('1 as it should be');
});

describe('an apply that nobody sees on a terminal', () => {
  const frame = {
    workflowId: 'gateway/anna/7k3fq2/3-upgrade',
    gateway: 'anna',
    operation: 3,
    kind: 'upgrade',
    title: 'upgrade anna (operation 3)',
    phase: 'forward',
    steps: [{ name: 'set aside', state: 'running', attempt: 1, sentence: '' }],
    waitingFor: '',
  } as unknown as Frame;

  test('says what begins, that it still goes on, and how it ended', async () => {
    const lines: string[] = [];
    const screen = applyPipe((line) => lines.push(line), 5);
    screen.hear(frame);
    screen.hear(frame);
    expect(lines).toEqual(['anna: upgrade anna (operation 3)']);
    await vi.waitFor(() => expect(lines[1]).toMatch(/^▸ upgrade anna \(operation 3\) +running {2}1 of 1: set aside$/));
    screen.ended({ gateway: 'anna', end: 'done', reason: '', operations: [] });
    const count = lines.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    screen.close();
    expect([lines.at(-1), lines.length]).toEqual(['✓ anna: done', count]);
  });

  test('says as JSON what begins, once, and how it ended', () => {
    const lines: unknown[] = [];
    const screen = applyNdjson((line) => lines.push(JSON.parse(line)));
    screen.hear(frame);
    screen.hear(frame);
    screen.ended({ gateway: 'anna', end: 'done', reason: '', operations: [] });
    const begun = { operation: 3, kind: 'upgrade', workflowId: frame.workflowId };
    expect(lines).toEqual([
      { gateway: 'anna', begun },
      { gateway: 'anna', end: 'done', reason: '', operations: [] },
    ]);
  });
});

test('work for many is done so many at a time, in their order', async () => {
  let open = 0;
  let most = 0;
  const done = await eachAtOnce([5, 1, 4, 2, 3], 2, async (item) => {
    open += 1;
    most = Math.max(most, open);
    await new Promise((resolve) => setTimeout(resolve, item));
    open -= 1;
    return item * 10;
  });
  expect({ done, most }).toEqual({ done: [50, 10, 40, 20, 30], most: 2 });
});
