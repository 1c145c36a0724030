import { expect, test } from 'vitest';
import { NotYet, Refused } from '../../../src/domain/errors.js';
import { until } from '../../../src/world/until.js';

const never = async () => {
  throw new NotYet('it has not come');
};

test('a wait in turns ends as what is not there yet, for the next attempt to go on, and is given up by its limit alone', async () => {
  const wait = { what: 'it stays away', paceMs: 1, limitMs: 60_000 };
  await expect(until({ ...wait, turnMs: 0 }, undefined, never)).rejects.toThrow(NotYet);
  await expect(until({ ...wait, limitMs: 0, turnMs: 0 }, undefined, never)).rejects.toThrow(Refused);
  let asked = 0;
  const third = async () => ((asked += 1) < 3 ? never() : 'there');
  expect(await until({ ...wait, turnMs: 60_000 }, undefined, third)).toBe('there');
});
