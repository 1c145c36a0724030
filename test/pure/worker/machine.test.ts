import { expect, test } from 'vitest';
import { bootOf, overSsh, thisMachine } from '../../../src/worker/machine.js';

test('a worker’s identity says by which claim it serves: its machine’s boot, or a host over SSH', async () => {
  const here = await thisMachine();
  expect(bootOf(here.identity)).toBe(here.boot);
  expect(bootOf(overSsh('b-1').identity)).toBe('ssh b-1');
  expect(overSsh('b-1').boot).toBe('ssh b-1');
  expect(bootOf('creel 7@box')).toBeUndefined();
});

test('where a worker beside an engine and one over SSH begin at once, the one beside it stays', async () => {
  expect((await thisMachine()).boot < overSsh('a').boot).toBe(true);
});
