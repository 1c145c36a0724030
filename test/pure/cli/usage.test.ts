import { afterEach, describe, expect, test, vi } from 'vitest';
import { main } from '../../../src/starter.js';

/** What a command writes and ends with that asks nobody anything. */
async function ran(...argv: string[]): Promise<{ out: string; err: string; exit: unknown }> {
  const [out, err] = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true));
  vi.spyOn(process.stdout, 'once').mockReturnThis(); // Where it is heard that the reader has gone.
  await main(argv);
  const text = (spy: typeof out) => (spy?.mock.calls ?? []).map(([chunk]) => String(chunk)).join('');
  return { out: text(out), err: text(err), exit: process.exitCode };
}

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const wrong: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
  [['quibble'], /^unknown command 'quibble'$/],
  [['lst'], /^unknown command 'lst' \(Did you mean list\?\)$/],
  [['list', '--colour'], /^unknown option '--colour'$/],
  [['list', '--phase', 'happy'], /'happy' is invalid\. Allowed choices are queued, /],
  [['open'], /^missing required argument 'id'$/],
  [['open', 'g1', 'g2'], /^too many arguments for 'open'/],
  [['fleet', 'stop', 'r1'], /^unknown command 'stop'/],
  [
    ['release', 'add', '2026.9.6', '--image', 'x', '--no-upgrade'],
    /'--image <reference>' cannot be used with option '--no-upgrade'/,
  ],
  [['secret'], /^unknown option '--json'$/],
  [[], /^unknown option '--json'$/],
];

describe('wrong usage', () => {
  test.each(wrong)('%j with --json is one line of JSON in the form of every other error', async (argv, message) => {
    const { out, err, exit } = await ran(...argv, '--json');
    const { error, ...rest }: { error: Record<string, unknown> } = JSON.parse(err);
    expect(err.trimEnd()).not.toContain('\n');
    expect(error).toEqual({ kind: 'Usage', message: expect.stringMatching(message), exit: 2 });
    expect({ rest, out, exit }).toEqual({ rest: {}, out: '', exit: 2 });
  });

  test.each(wrong)('%j without it is told in words, with the way to the help', async (argv) => {
    const { out, err, exit } = await ran(...argv);
    expect(err).toMatch(/^error: .*\n\(--help shows how it is used\)\n$|^Usage: creel /s);
    expect({ out, exit }).toEqual({ out: '', exit: 2 });
  });
});

test('malformed input has the same form as wrong usage', async () => {
  const { err } = await ran('open', '../bad', '--json');
  expect(JSON.parse(err)).toMatchObject({ error: { kind: 'Refused', exit: 2 } });
});

test.each([['--help'], ['--version'], ['list', '--help'], ['list', '--help', '--json']])(
  '%j is no error',
  async (...argv) => {
    const { out, err, exit } = await ran(...argv);
    expect({ err, exit }).toEqual({ err: '', exit: 0 });
    expect(out).toMatch(/^Usage: creel|^Usage: list|^\d+\.\d+\.\d+/);
  },
);
