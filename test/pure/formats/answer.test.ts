import { describe, expect, it } from 'vitest';
import { Bug } from '../../../src/domain/errors.js';
import { readAnswer } from '../../../src/wire/answer.js';

describe('what a step answered', () => {
  it.each([
    ['nothing', undefined, {}],
    ['nothing, as JSON has it', null, {}],
    ['words', 'generation 2 in force', { proof: 'generation 2 in force', down: undefined }],
    ['an engine', { proof: 'it runs', engine: 'E1' }, { proof: 'it runs', engine: 'E1' }],
    ['a gateway that is not up', { proof: 'put back', down: 'exited' }, { proof: 'put back', down: 'exited' }],
    [
      'a gateway that answers nobody',
      { proof: 'asked', unanswered: 'no credit' },
      { proof: 'asked', down: undefined, unanswered: 'no credit' },
    ],
    ['a device', { proof: 'let in', deviceId: 'd' }, { proof: 'let in', deviceId: 'd' }],
    ['a kept copy', { proof: 'kept', keptRelease: '2026.9.6' }, { proof: 'kept', keptRelease: '2026.9.6' }],
    ['nothing to keep', { proof: 'it was gone', vanished: true }, { proof: 'it was gone', vanished: true }],
  ])('is read as %s', (_what, answer, told) => {
    expect(readAnswer('a step', answer)).toEqual(told);
  });

  it('is read as the gateway, of whichever version the reading is', () => {
    const reading = { provedAt: '2026-07-01T00:00:00.000Z', containerId: 'c', of: 'an older version' };
    expect(readAnswer('read back', reading)).toEqual({ record: reading });
  });

  it.each([[true], [7], [[]], [{}], [{ proof: 'words alone' }], [{ provedAt: 'a time alone' }]])(
    'is a bug when it is %j',
    (answer) => {
      expect(() => readAnswer('a step', answer)).toThrow(Bug);
    },
  );
});
