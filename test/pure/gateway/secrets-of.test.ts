import { describe, expect, test } from 'vitest';
import { stillNamed, storedLines } from '../../../src/cli/show/deployment/secret-uses.js';
import { secretUses, type SecretUse } from '../../../src/client/deployment/secret-users.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { beginOperation } from '../../../src/workflows/entity/begin-end.js';
import { describeState } from '../../../src/workflows/record/describe.js';
import { newLife } from '../../../src/workflows/record/life.js';
import { emptyState, type GatewayState } from '../../../src/workflows/record/state.js';
import { secretsOf } from '../../../src/domain/gateway/secrets-of.js';
import type { GatewaySpec } from '../../../src/domain/gateway/spec.js';
import type { Description } from '../../../src/wire/description.js';
import { testSpec } from '../../world/open-test-world.js';

const slack: GatewaySpec['channels'][number] = {
  kind: 'slack',
  secrets: { botToken: 'secret:b', appToken: 'secret:a' },
  allowFrom: ['U012AB3CD'],
};
const spec: GatewaySpec = { ...testSpec, channels: [slack] };

test('a spec names every secret that is anywhere in it, each once, sorted', () => {
  expect(secretsOf(testSpec)).toEqual([]);
  expect(secretsOf(spec)).toEqual(['a', 'b']);
  expect(secretsOf({ ...spec, channels: [slack, slack] })).toEqual(['a', 'b']);
  const models = { default: 'p/m', fallbacks: [], providers: [{ id: 'p', key: 'secret:models' }] };
  expect(secretsOf({ ...spec, models })).toEqual(['a', 'b', 'models']);
});

describe('a gateway uses', () => {
  const told = (more: Partial<Description>): Description =>
    ({ gateway: 'g42', phase: 'ready', life: { spec }, stateKeptUntil: undefined, ...more }) as Description;
  const uses = (more: Partial<Description>) =>
    secretUses(told(more)).map(([name, { by, until }]) =>
      [name, by, ...(until === undefined ? [] : [until])].join(' '),
    );

  test('the secrets of its spec while it lives, of what runs or waits, and of the release before', () => {
    expect(uses({})).toEqual(['a channels', 'b channels']);
    const former = { release: 'x', until: 'y', secrets: ['c'] };
    const models = { default: 'p/m', fallbacks: [], providers: [{ id: 'p', key: 'secret:m' }] };
    const life = { spec: { ...spec, channels: [], models } } as unknown as Description['life'];
    expect(uses({ life, former, sought: ['d', 'm'] })).toEqual([
      'm models',
      'd operation',
      'm operation',
      'c former release y',
    ]);
    expect(uses({ life: undefined })).toEqual([]);
  });

  test('those of its spec after a removal only where its state is kept', () => {
    expect(uses({ phase: 'removed' })).toEqual([]);
    expect(uses({ phase: 'removed', stateKeptUntil: 'z' })).toEqual(['a kept state z', 'b kept state z']);
  });

  test('a secret of a change that waits or runs, and of a way back, by its record', () => {
    const gateway: Gateway = {
      mark: { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 },
      place: { provider: 'local', host: 'local' },
      spec: testSpec,
      tokenGeneration: 1,
      deviceGeneration: 1,
    };
    const start = { layout: 1, deployment: 'abcdefghij', gateway: 'g42', limits: defaultLimits } as const;
    const asked = { kind: 'change', requestId: 'r', origin: 'o', channels: [slack] } as const;
    const state: GatewayState = { ...emptyState(1, 0), life: newLife(gateway), phase: 'ready' };
    const sought = () => describeState(start, state, undefined).sought;
    expect(sought()).toBeUndefined();
    state.queue.push({ number: 2, kind: 'change', asked });
    expect(sought()).toEqual(['a', 'b']);
    beginOperation(state, 0);
    expect(sought()).toEqual(['a', 'b']);
    expect(secretUses(describeState(start, state, undefined)).map(([, { by }]) => by)).toEqual([
      'operation',
      'operation',
    ]);
  });
});

describe('what is said of the uses of a secret', () => {
  const use = (gateway: string, by: SecretUse['by']): SecretUse => ({ gateway, by, until: 'noon' });

  test('names the command that takes a new value up, for each that needs one', () => {
    const uses = [use('m', 'models'), use('c', 'channels'), use('k', 'kept state'), use('f', 'former release')];
    expect(storedLines('a', uses, 0)).toEqual([
      'Stored a.',
      expect.stringContaining('`creel change m --models gateway.toml` takes it up and proves it'),
      expect.stringContaining('`creel change c --channels gateway.toml`'),
      expect.stringContaining('`creel provision k --restore`'),
      'All that run at once: `creel secret rotate a --stored`.',
    ]);
    expect(storedLines('a', [use('m', 'models'), use('k', 'kept state')], 0).join(' ')).not.toContain('rotate');
    expect(storedLines('a', [use('f', 'former release')], 2).join(' ')).toMatch(
      /A spec names it "secret:a".*--models.*Not every/,
    );
    expect(
      storedLines(
        'a',
        Array.from({ length: 30 }, () => use('m', 'models')),
        0,
      ),
    ).toHaveLength(13);
  });

  test('names what ends each use, by its kind', () => {
    const said = (by: SecretUse['by']) => stillNamed('a', [use('g42', by)]);
    expect(said('models')).toContain('`creel change g42 --models` with a file that does not name it');
    expect(said('kept state')).toMatch(/kept until noon: `creel remove g42 --purge` lets it go/);
    expect(said('kept state')).not.toContain('creel change');
    expect(said('former release')).toContain('it is let go at noon');
    expect(said('operation')).toContain('`creel describe g42`');
    expect(
      stillNamed(
        'a',
        Array.from({ length: 12 }, (_each, index) => use(`g${index}`, 'models')),
      ),
    ).toContain('and 2 more');
  });
});
