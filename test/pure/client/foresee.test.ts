import { expect, test } from 'vitest';
import { firstAndSoon, whereRefused } from '../../../src/client/foresee.js';

const no = 'no secret named bot is stored';
const m1 = { engine: 'e1', host: 'm1' };
const m2 = { engine: 'e2', host: 'm2' };

test('what the workers of all engines refuse is told as they say it, and what only some do with where', () => {
  expect(whereRefused([])).toEqual([]);
  expect(
    whereRefused([
      { ...m1, said: [] },
      { ...m2, said: [] },
    ]),
  ).toEqual([]);
  expect(
    whereRefused([
      { ...m1, said: [no] },
      { ...m2, said: [no] },
    ]),
  ).toEqual([no]);
  expect(
    whereRefused([
      { ...m1, said: [no] },
      { ...m2, said: [] },
    ]),
  ).toEqual([`on m1 (engine e1): ${no}. On m2 it is not so: \`creel provision --engine e2\` begins it there`]);
});

test('what answers is told, without one that has just gone; when none does, why', async () => {
  const never = new Promise<number>(() => undefined);
  const no = Promise.reject<number>(new Error('no worker answered'));
  expect(await firstAndSoon([never, Promise.resolve(1), no, Promise.resolve(2)], 50)).toEqual([1, 2]);
  await expect(firstAndSoon([no, no], 50)).rejects.toThrow('no worker answered');
});
