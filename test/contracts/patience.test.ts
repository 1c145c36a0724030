import { expect, test } from 'vitest';
import { openLog } from '../../src/worker/log.js';
import { untilReachable } from '../../src/worker/patient-connect.js';

test('a worker that waits for Temporal says so again and again, and when it is there', async () => {
  const lines: string[] = [];
  const log = openLog('info', { write: (line) => void lines.push(line) });
  let calls = 0;
  const call = async () => {
    calls += 1;
    if (calls > 3) return 'here';
    throw Object.assign(new Error('unavailable'), { code: 14 });
  };
  expect(await untilReachable(call, '127.0.0.1:1', log, AbortSignal.timeout(20_000), 900)).toBe('here');
  const said = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  expect(said.filter((each) => each.includes('does not answer'))).toHaveLength(3);
  expect(said.at(-1)).toBe('Temporal answers');
});
