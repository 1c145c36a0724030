import { describe, expect, test } from 'vitest';
import { LogRing } from '../../../src/activities/looks/log-ring.js';
import { LogFrames } from '../../../src/adapters/docker/log-frames.js';
import { jsonLines, plainLines } from '../../../src/cli/show/log-lines.js';
import { Refused } from '../../../src/domain/errors.js';
import { aboutChannel, after, logBegin, Rereading, type LogLine } from '../../../src/domain/gateway/log.js';
import { plainLogLine } from '../../../src/domain/heard.js';
import { Secret } from '../../../src/domain/secret.js';
import { heardCharacters, logLineCharacters, logRingBytes, logRingLines } from '../../../src/domain/thresholds.js';

const moment = (count: number) => `2026-11-28T08:00:00.${String(count).padStart(9, '0')}Z`;
const line = (text: string, count = 0): LogLine => ({ at: moment(count), stream: 'stdout', text });

/** As an engine sends an entry of a process without a terminal. */
function frame(stream: 1 | 2, entry: string): Buffer {
  const payload = Buffer.from(entry);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** What is made of these bytes, however they are cut. */
function readIn(bytes: Buffer, size: number, hasTerminal: boolean): LogLine[] {
  const frames = new LogFrames('read the log', hasTerminal);
  const lines: LogLine[] = [];
  for (let at = 0; at < bytes.length; at += size) lines.push(...frames.take(bytes.subarray(at, at + size)));
  return [...lines, ...frames.end()];
}

describe('S4-38, S4-44: what an engine sends of a log', () => {
  const sent = [
    frame(1, `${moment(1)} höher\n`),
    frame(2, `${moment(2)} wrong\n`),
    frame(1, `${moment(3)} the first half, `),
    frame(2, `${moment(4)} between\n`),
    frame(1, `${moment(3)} and the second\n`),
    frame(1, `${moment(5)} \n`),
    frame(1, `${moment(6)} without an end`),
  ];
  const read = [
    { at: moment(1), stream: 'stdout', text: 'höher' },
    { at: moment(2), stream: 'stderr', text: 'wrong' },
    { at: moment(4), stream: 'stderr', text: 'between' },
    { at: moment(3), stream: 'stdout', text: 'the first half, and the second' },
    { at: moment(5), stream: 'stdout', text: '' },
    { at: moment(6), stream: 'stdout', text: 'without an end' },
  ];

  test.each([1, 7, 64, 10_000])('without a terminal, in pieces of %i bytes', (size) => {
    expect(readIn(Buffer.concat(sent), size, false)).toEqual(read);
  });

  test.each([1, 7, 64, 10_000])('with a terminal, in pieces of %i bytes', (size) => {
    const bare = `${moment(1)} höher\r\n${moment(2)} \r\n${moment(3)} without an end`;
    expect(readIn(Buffer.from(bare), size, true)).toEqual([
      { at: moment(1), stream: 'stdout', text: 'höher' },
      { at: moment(2), stream: 'stdout', text: '' },
      { at: moment(3), stream: 'stdout', text: 'without an end' },
    ]);
  });

  test('a line without end takes no more memory than is looked at, with a terminal or without', () => {
    for (const hasTerminal of [false, true]) {
      const frames = new LogFrames('read the log', hasTerminal);
      const part = 'x'.repeat(16_384);
      for (let each = 0; each < 2_000; each += 1)
        frames.take(
          hasTerminal ? Buffer.from(`${each === 0 ? `${moment(1)} ` : ''}${part}`) : frame(1, `${moment(1)} ${part}`),
        );
      frames.take(hasTerminal ? Buffer.from('\n') : frame(1, `${moment(1)} \n`));
      expect(JSON.stringify(frames).length).toBeLessThan(100_000);
    }
    const [whole] = readIn(
      Buffer.concat(Array.from({ length: 9 }, () => frame(1, `${moment(1)} ${'x'.repeat(16_384)}`))),
      4_096,
      false,
    );
    expect(whole?.text).toBe('x'.repeat(logLineCharacters));
  });

  test('what no engine sends is refused', () => {
    expect(() => new LogFrames('read the log', false).take(Buffer.from('a page of HTML, say'))).toThrow(Refused);
  });
});

describe('a line of a log', () => {
  const secret = new Secret('kX9'.repeat(40));

  test('is plain, set in as it was, and without secrets, known or of a known form', () => {
    const said = `    at \u001B[31mred\u001B[0m ${secret.reveal().slice(0, 50)}\u202E${secret.reveal().slice(50)} sk-${'a1'.repeat(20)}`;
    expect(plainLogLine(said, [secret])).toBe('    at red [secret] [masked]');
  });

  test('that is cut shows no half of a secret, wherever the cut falls', () => {
    for (const room of [heardCharacters, logLineCharacters]) {
      for (let shift = 1; shift < secret.reveal().length; shift += 7) {
        const said = `${'-'.repeat(room - shift)}${secret.reveal()} and more`.slice(0, logLineCharacters);
        const shown = plainLogLine(said, [secret]);
        expect(shown.length).toBeLessThanOrEqual(heardCharacters + 1);
        expect(shown).not.toContain('kX9');
      }
    }
  });

  test('that hides where it is cut behind escape sequences shows none either', () => {
    const hidden = '\u001B[0m'.repeat(4_000).slice(0, 14_000);
    for (let shift = 1; shift < 120; shift += 7) {
      const said = `${hidden}${'-'.repeat(logLineCharacters - 14_000 - shift)}${secret.reveal()}`;
      expect(plainLogLine(said.slice(0, logLineCharacters), [secret])).not.toContain('kX9');
    }
  });
});

test('lines about a channel are its own, those that name it, and what continues them', () => {
  const isAbout = aboutChannel('telegram');
  const said: [string, boolean][] = [
    ['2026-11-28T08:00:00.000+00:00 [telegram] starting', true],
    ['Error: no answer', true],
    ['    at Bot.poll', true],
    ['2026-11-28T08:00:00.000+00:00 [gateway] ready', false],
    ['    at Gateway', false],
    ['[health-monitor] [telegram:default] restarting', true],
    ['{"subsystem":"channels/Telegram","message":"stopped"}', true],
    ['[telegraph] no', false],
    ['\u001B[36mtelegram\u001B[39m says', true],
  ];
  for (const [text, is] of said) expect({ text, is: isAbout(line(text)) }).toEqual({ text, is });
  expect(said.every(([text]) => aboutChannel(undefined)(line(text)))).toBe(true);
});

test('a log that is read again from a place on gives what came after it, and says when something is gone', () => {
  const said = [line('a', 1), line('b', 2), line('c', 2), line('d', 2), line('e', 3)];
  for (let read = 0; read <= said.length; read += 1) {
    const place = said.slice(0, read).reduce(after, logBegin);
    const again = new Rereading(place);
    const rest = said.filter(({ at }) => at >= place.at).filter((each) => (again.begin(each), !again.knows(each)));
    expect(rest).toEqual(said.slice(read));
    expect(again.hasGap).toBe(false);
  }
  const again = new Rereading({ at: moment(2), count: 3 });
  again.begin(line('e', 3));
  expect(again).toMatchObject({ hasGap: true });
});

test('a log whose clock was set back, once or again, is read on from any place, each line once', () => {
  const moments = [1, 5, 6, 2, 3, 4, 7, 8, 1, 2, 9];
  const said = moments.map((at, index) => line(String(index), at * 10 + (index > 7 ? 1 : 0)));
  for (let read = 0; read <= said.length; read += 1) {
    const place = said.slice(0, read).reduce(after, logBegin);
    const again = new Rereading(place);
    const rest = said.filter(({ at }) => at >= place.at).filter((each) => (again.begin(each), !again.knows(each)));
    expect(rest).toEqual(said.slice(read).filter(({ at }) => at >= place.at));
    expect(again.hasGap).toBe(false);
  }
  const gone = new Rereading({ at: moment(2), count: 1, high: moment(6) });
  const left = [line('old', 5), line('late', 7), line('later', 8)];
  expect(left.filter((each) => (gone.begin(each), !gone.knows(each))).map(({ text }) => text)).toEqual([
    'late',
    'later',
  ]);
  expect(gone.hasGap).toBe(true);
});

describe('the ring', () => {
  test('S4-8: holds so many lines, and so many bytes, and counts what falls out', () => {
    const ring = new LogRing();
    for (let each = 0; each < 3 * logRingLines; each += 1) ring.push(line(`${each}`));
    expect(ring).toMatchObject({ length: logRingLines, isFull: true });
    expect(ring.takeLost()).toBe(2 * logRingLines);
    expect(ring.takeLost()).toBe(0);
    expect(ring.peek()?.text).toBe(`${2 * logRingLines}`);
    for (let each = 0; each < 3_000; each += 1) ring.push(line('x'.repeat(logLineCharacters)));
    expect(ring.bytes).toBeLessThanOrEqual(logRingBytes);
    ring.keepLast(2);
    ring.shift();
    ring.shift();
    ring.shift();
    expect(ring).toMatchObject({ length: 0, bytes: 0, isFull: false });
    expect(ring.peek()).toBeUndefined();
  });
});

test('what is left out is said where it is left out, to people and to programs', () => {
  const read = { lines: [line('said')], lost: 2, hasGap: true, news: 'replaced' } as const;
  expect(plainLines('g42', read)).toEqual({
    before: [
      'creel: lines are missing here: the engine of g42 had thrown them away',
      'creel: 2 lines are left out here: they came faster than they were read',
    ],
    text: ['said'],
    after: ['creel: g42 has another container now; its log begins here'],
  });
  expect(jsonLines('g42', read).map((each) => JSON.parse(each) as unknown)).toEqual([
    { gateway: 'g42', gap: true },
    { gateway: 'g42', lost: 2 },
    { gateway: 'g42', at: moment(0), stream: 'stdout', text: 'said' },
    { gateway: 'g42', container: 'replaced' },
  ]);
  expect(jsonLines('g42', { lines: [], end: 'removed' })).toEqual(['{"gateway":"g42","container":"removed"}']);
});
