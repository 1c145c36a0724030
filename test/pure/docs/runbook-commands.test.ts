import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { program } from '../../../src/cli/program.js';
import { told } from './told-commands.js';

/** What is told to be typed, in a text: programs by their names, in backquotes. */
function commandsIn(text: string): string[] {
  const quoted = [...text.replaceAll(/\s+/g, ' ').matchAll(/`([^`]+)`/g)].map(([, command = '']) => command.trim());
  return [...new Set(quoted)].filter((each) => programs.test(each));
}

const programs =
  /^(creel [a-z]|docker |systemctl|ss |mv |install |npm |scripts\/|temporal |sysctl|iptables|openclaw |lsattr|chattr|ip route)/;

const headings = fs
  .readFileSync('docs/runbook.md', 'utf8')
  .split(/^## /m)
  .slice(1)
  .map((part) => ({ heading: part.split('\n')[0] ?? '', commands: commandsIn(part) }));

/** Everything in README's blocks of shell and in the runbook that is given to creel. */
const readme = fs
  .readFileSync('README.md', 'utf8')
  .split('\n')
  .flatMap((line) => /^npx (creel .*?)(?: {2,}#.*| < .*)?$/.exec(line)?.[1] ?? []);
const ours = [...new Set([...readme, ...headings.flatMap(({ commands }) => commands)])].filter((text) =>
  text.startsWith('creel '),
);

function commandOf(text: string) {
  const [, ...words] = text.split(' ');
  let command = program().commands.find((each) => each.name() === words[0]);
  for (const word of words.slice(1)) {
    const inner = command?.commands.find((each) => word.split('|').includes(each.name()));
    if (inner) command = inner;
  }
  return command;
}

/** A test's own text: from the line of its title to the next test. */
function bodyOf(source: string, title: string): string {
  const from = source.indexOf(title);
  if (from === -1) return '';
  const next = source.slice(from).search(/\n\s*(it|test|on)(\.\w+)*\(/);
  return next === -1 ? source.slice(from) : source.slice(from, from + next);
}

describe('a command of creel in the runbook or README', () => {
  test.each(ours)('exists, with every option that is named: %s', (text) => {
    const command = commandOf(text);
    expect(command, text).toBeDefined();
    const known = command?.options.flatMap(({ short, long }) => [short, long]);
    for (const option of text.match(/(?<= )--?[a-z][a-z-]*/g) ?? []) expect(known, text).toContain(option);
  });
});

describe('every command that the runbook tells is tried, or it is said why not, under', () => {
  test.each(headings)('$heading', ({ heading, commands }) => {
    const known = told[heading] ?? {};
    expect(Object.keys(known).toSorted(), 'told-commands.ts holds exactly what is told here').toEqual(
      commands.toSorted(),
    );
    for (const [command, how] of Object.entries(known)) {
      if ('why' in how) continue;
      const [file, title, call] = how;
      const body = bodyOf(fs.readFileSync(file, 'utf8'), title);
      expect(body, `${command}: ${file} has no test "${title}"`).not.toBe('');
      expect(body, `${command}: "${title}" in ${file} does not try it`).toContain(call);
    }
  });
});
