import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { program } from '../../src/cli/program.js';

const runbook = fs.readFileSync('docs/runbook.md', 'utf8').replaceAll(/\s+/g, ' ');
const quoted = [...new Set([...runbook.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text.trim()))];

/** Everything in the runbook that is given to creel, without what only names it. */
const ours = quoted.filter((text) => /^creel [a-z]/.test(text));

/** Programs of others that the runbook tells people to run. */
const theirs = quoted.filter((text) => /^(docker|systemctl|ss|mv|npm|scripts\/) ?/.test(text));

/** Where each is run in the situation in which it is told: what the test that does so calls. */
const tried: Readonly<Record<string, { readonly by: string; readonly call: string }>> = {
  'docker cp': { by: 'test/e2e/lived-in.ts', call: "'cp'" },
  'docker run --rm --user 0': { by: 'test/e2e/lived-in.ts', call: "'--user'" },
  'docker inspect': { by: 'test/e2e/lived-in.ts', call: "'inspect'" },
  'npm run worker': { by: 'test/temporal/programs.test.ts', call: 'worker' },
  'scripts/bootstrap': { by: 'test/scripts/bootstrap.test.ts', call: 'bootstrap' },
  mv: { by: 'test/temporal/key-rotation.test.ts', call: 'master.key' },
};

/** What no test may do to the machine it runs on: to its engine as a whole, to its accounts, or to what others have there. */
const notHere = /^(systemctl|ss |docker (login|info|ps|logs|pull|image|volume create|update|exec|run --rm -u 0))/;

function commandOf(text: string) {
  const [, ...words] = text.split(' ');
  let command = program().commands.find((each) => each.name() === words[0]);
  for (const word of words.slice(1)) {
    const inner = command?.commands.find((each) => word.split('|').includes(each.name()));
    if (inner) command = inner;
  }
  return command;
}

describe('a command of creel in the runbook', () => {
  test.each(ours)('exists, with every option that is named: %s', (text) => {
    const command = commandOf(text);
    expect(command, text).toBeDefined();
    const known = command?.options.flatMap(({ short, long }) => [short, long]);
    for (const option of text.match(/(?<= )--?[a-z][a-z-]*/g) ?? []) expect(known, text).toContain(option);
  });
});

describe('a command of others in the runbook', () => {
  test.each(theirs)('is run by a test, or may not be run on a machine that is not ours: %s', (text) => {
    const found = Object.entries(tried).find(([begin]) => text.startsWith(begin))?.[1];
    if (!found) return expect(text).toMatch(notHere);
    expect(fs.readFileSync(found.by, 'utf8')).toContain(found.call);
    return undefined;
  });
});
