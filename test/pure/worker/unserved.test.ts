import { expect, test } from 'vitest';
import { openLog } from '../../../src/worker/log.js';
import { warnOfUnserved } from '../../../src/worker/unserved.js';

const gateways: Record<string, readonly string[]> = { 'engine-before': ['g1', 'g2'], 'engine-empty': [] };

/** What the log of a worker says that begins to serve `engine-now`, where the previous engine is attended at each look or not. */
async function saidWith(looks: readonly boolean[]): Promise<string[]> {
  const said: string[] = [];
  const left = [...looks];
  await warnOfUnserved({
    engine: 'engine-now',
    findEngines: async () => {
      const attended = left.shift() ?? false;
      const before = { engine: 'engine-before', host: 'here', attended };
      return [before, { ...before, engine: 'engine-empty', attended: false }, { ...before, engine: 'engine-now' }];
    },
    gatewaysOn: async (engine) => gateways[engine] ?? [],
    lingerMs: 1,
    log: openLog('info', { write: (line: string) => void said.push(line) }),
    signal: new AbortController().signal,
  });
  return said;
}

test.each([
  ['that ended long ago', [false, false]],
  ['that ended just now, and still counts as there when it is looked first', [true, false]],
])('a worker that is pointed elsewhere says what stands on the engine of one %s, once', async (_title, looks) => {
  const said = await saidWith(looks);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/engine engine-before \(here\).* holds 2 gateways: g1, g2.*point it back/);
});

test('an engine that another worker serves is nobody’s worry', async () => {
  expect(await saidWith([true, true])).toEqual([]);
});
