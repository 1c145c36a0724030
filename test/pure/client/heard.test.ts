import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { masked, plain, plainAnswer, plainLines } from '../../../src/domain/heard.js';
import { Secret } from '../../../src/domain/secret.js';
import { attemptFailure } from '../../../src/worker/attempt-failure.js';

/** Whatever a terminal, a page or a reader could be misled by. */
const misleading = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        '\u001B[2J',
        '\u001B]0;',
        '\u009B31m',
        '\u202E',
        '\u200B',
        '\u2028',
        '\uD800',
        '\u0007',
        'a',
        ' ',
      ),
    )
    .map((each) => each.join('')),
);

describe('what a gateway says', () => {
  test('never holds what moves a cursor, turns text around or hides, and has an end', () => {
    fc.assert(
      fc.property(odd, fc.integer({ min: 1, max: 50 }), (text, most) => {
        const said = plain(text, most);
        expect(said).not.toMatch(misleading);
        expect(Array.from(said).length).toBeLessThanOrEqual(most);
        expect(plain(said, most)).toBe(said);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['\u001B[2A\u001B[2K1f0c  Kitchen', '1f0c Kitchen'],
    ['\u001B]8;;https://evil.example\u0007click\u001B]8;;\u0007', 'click'],
    ['\u009B31mred\u009B0m', 'red'],
    ['\u202Egnp.exe', 'gnp.exe'],
    ['Kit\u200Bchen\uFEFF', 'Kitchen'],
    ['two\r\nlines', 'two lines'],
    ['Küche 🍳 台所', 'Küche 🍳 台所'],
  ])('as %j reads %j', (raw, said) => {
    expect(plain(raw).replaceAll(/ +/g, ' ')).toBe(said);
  });

  test('in several lines stays several, from the end', () => {
    expect(plainLines('one\n\u001B[31mtwo\u001B[0m\nthree\n', 11)).toBe('\ntwo\nthree\n'.slice(-11));
  });

  test('holds no string of an answer that is not plain, however deep, and not the token that it was asked with', () => {
    const token = new Secret('the-token-in-force-0123456789');
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        odd,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(odd, tie('value')),
      ),
    })).value;
    fc.assert(
      fc.property(json, (answer) => {
        const said = JSON.stringify(plainAnswer({ answer, echo: `x ${token.reveal()} y` }, [token]));
        for (const text of strings(JSON.parse(said))) expect(text).not.toMatch(misleading);
        expect(said).toContain('x [secret] y');
        expect(said).not.toContain(token.reveal());
      }),
      { numRuns: 500 },
    );
  });

  test('that is nested without end is cut', () => {
    let deep: unknown = 'x';
    for (let depth = 0; depth < 10_000; depth += 1) deep = [deep];
    expect(JSON.stringify(plainAnswer(deep, []))).not.toContain('x');
  });
});

describe('what is masked', () => {
  const bot = `123456789:${'A'.repeat(35)}`;

  test.each([
    bot,
    `${'M'.repeat(24)}.Gh4x_1.${'z'.repeat(27)}`,
    'xoxb-1234567890-abcdefghij',
    'xapp-1-A0123456789-abcdef',
    'sk-ant-api03-abcdefghijklmnop',
    'Authorization: Bearer abcdefghijkl',
    '"apiKey": "abcdefghijkl"',
    'token=abcdefghijkl',
    'vvdW9sYtDZbnFkJnXcYQmr3u8eQvzW5Rb0h1cKp2LqA',
  ])('is %s', (text) => {
    const said = masked(`before ${text} after`, []);
    expect(said).toContain('[masked]');
    expect(said).not.toMatch(/abcdefghij|AAAAA|zzzzz|A0123|vvdW9/);
    expect(said).toMatch(/^before .* after$/);
  });

  test('is every secret that is known, whatever its form', () => {
    expect(masked('is plain-words-here right?', [new Secret('plain-words-here')])).toBe('is [secret] right?');
    const odd = 'pass"word\\of/the+day=';
    const said = `${odd} ${JSON.stringify({ key: odd })} https://x.example/?key=${encodeURIComponent(odd)}&v=1`;
    expect(masked(said, [new Secret(odd)])).toBe('[secret] {"key":"[secret]"} https://x.example/?key=[secret]&v=1');
    expect(JSON.stringify(plainAnswer({ said }, [new Secret(odd)]))).not.toMatch(/word|%22/);
    expect(masked('unpaired \uD800-1234567 here', [new Secret('\uD800-1234567')])).toBe('unpaired [secret] here');
  });

  test.each([
    '1f0c'.repeat(16),
    `sha256:${'ab'.repeat(32)}`,
    'oc-g42-7k3fq2-state',
    'gateway/g42/7k3fq2/1-provision',
    'creel secret set g42-telegram',
  ])('is not %s', (text) => {
    expect(masked(text, [])).toBe(text);
  });
});

test('a failure that quotes anything reaches a history plain', () => {
  const failure = attemptFailure(new Error('it said \u001B[2Jboo\nand more', { cause: new Error('\u202Ex') }), 1);
  expect(failure.message).toBe('it said boo\nand more');
  expect(failure.cause?.message).toBe('x');
});

test.each([
  ['of one line', 'x'.repeat(30_000)],
  ['of many lines', 'it said\n'.repeat(3_000)],
  ['that takes more bytes than letters', '🦀"\u0001'.repeat(2_000)],
])('a failure %s that is too long loses its middle, and keeps what to do', (_what, much) => {
  const { message } = attemptFailure(
    new Error(`g42 does not start: ${much}. See docs/runbook.md#rehearsal-refused`),
    1,
  );
  expect(message).toMatch(/^g42 does not start: [^]* … [^]*See docs\/runbook\.md#rehearsal-refused$/);
  expect(Buffer.byteLength(message)).toBeLessThanOrEqual(2_048);
  expect(Buffer.byteLength(message)).toBeGreaterThan(1_500);
  expect(Buffer.from(message).toString()).toBe(message);
});

function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...strings(inner)]);
}
