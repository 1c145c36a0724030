import { describe, expect, test } from 'vitest';
import {
  demandOwnName,
  demandPinned,
  formerIds,
  withEngine,
  withRenamed,
  type DeploymentEngine,
} from '../../../src/domain/hosts/deployment-engines.js';
import { demandEngine } from '../../../src/domain/hosts/engine-id.js';
import { Foreign } from '../../../src/domain/errors.js';
import { refusal } from '../refusal.js';

const known: readonly DeploymentEngine[] = [
  { engine: 'engine-old', host: 'a' },
  { engine: 'engine-new', host: 'a' },
  { engine: 'engine-other', host: 'b' },
];
const renamed = withRenamed(known, { former: 'engine-old', engine: 'engine-new' });

describe('an engine that has another id', () => {
  test('is one engine of both, and the same word twice is one', () => {
    expect(renamed).toEqual([
      { engine: 'engine-new', host: 'a', was: ['engine-old'] },
      { engine: 'engine-other', host: 'b' },
    ]);
    expect(withRenamed(renamed, { former: 'engine-old', engine: 'engine-new' })).toBe(renamed);
  });

  test('keeps the ids it had when it gets one more, and when its worker names another machine', () => {
    const newest = withEngine(renamed, { engine: 'engine-newest', host: 'a' });
    const again = withRenamed(newest, { former: 'engine-new', engine: 'engine-newest' });
    expect(formerIds(again, 'engine-newest')).toEqual(['engine-new', 'engine-old']);
    expect(formerIds(withEngine(again, { engine: 'engine-newest', host: 'c' }), 'engine-newest')).toEqual([
      'engine-new',
      'engine-old',
    ]);
  });

  test.each([
    ['engine-none', 'engine-new'],
    ['engine-old', 'engine-none'],
    ['engine-new', 'engine-new'],
  ])('is refused as %s that is %s now, where either is unknown or both are one', (former, engine) => {
    expect(refusal(() => withRenamed(known, { former, engine }))).toMatch(/Those there are: engine-old, engine-new/);
  });

  test('is not served a second time under its former id', () => {
    const copied = /known as engine engine-new \(a\) now.*runbook\.md#engine-with-another-id/;
    expect(refusal(() => withEngine(renamed, { engine: 'engine-old', host: 'z' }))).toMatch(copied);
    expect(refusal(() => demandOwnName(renamed, 'engine-old'))).toMatch(copied);
    demandOwnName(renamed, 'engine-new');
  });

  test('is the one of a place by either id, and by no other', () => {
    const former = (engine: string) => formerIds(renamed, engine);
    for (const engine of ['engine-old', 'engine-new'])
      demandEngine({ engine }, 'engine-new', '/run/docker.sock', former);
    expect(() => demandEngine({ engine: 'engine-other' }, 'engine-new', '/run/docker.sock', former)).toThrow(Foreign);
    expect(() => demandEngine({ engine: 'engine-old' }, 'engine-other', '/run/docker.sock', former)).toThrow(Foreign);
  });
});

describe('the engine of a host over SSH', () => {
  const on = (name: string, engine?: string) => ({ name, ...(engine !== undefined && { engine }) });

  test.each([
    ['that has none on record', on('c'), 'engine-x'],
    ['that has it on record', on('b'), 'engine-other'],
    ['that has it on record by a former id', on('a'), 'engine-old'],
    ['whose settings name it, whatever is on record', on('b', 'engine-x'), 'engine-x'],
  ])('is taken of a host %s', (_, host, found) => {
    expect(() => demandPinned(host, found, renamed)).not.toThrow();
  });

  test.each([
    [on('b'), 'engine-x', /host b has engine engine-x now, and it is on record with engine-other/],
    [on('b', 'engine-y'), 'engine-x', /its settings name it with engine-y/],
    [on('b', 'engine-y'), 'engine-other', /its settings name it with engine-y/],
  ])('%j with engine %s is refused', (host, found, said) => {
    expect(() => demandPinned(host, found, renamed)).toThrow(said);
  });
});
