import { spawnSync } from 'node:child_process';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { expect, test } from 'vitest';
import { program } from '../../../src/cli/program.js';
import { manual } from '../../../src/cli/show/manual.js';
import { examplesOf } from '../../../src/cli/verb.js';

const creel = program();
const page = manual(creel, '1.2.3 (abc)', examplesOf);

const macros = ['TH', 'SH', 'SS', 'TP', 'PP', 'B', 'nf', 'fi'];

const everyCommand = (command: CommandUnknownOpts): readonly CommandUnknownOpts[] => [
  command,
  ...command.commands.flatMap(everyCommand),
];

test('the manual page has every command with every option, as the help names them', () => {
  for (const command of everyCommand(creel).slice(1)) {
    const help = command.createHelp();
    expect(page).toContain(`.SS ${help.commandUsage(command).replaceAll('-', '\\-')}\n`);
    for (const option of help.visibleOptions(command))
      expect(page).toContain(`.B ${help.optionTerm(option).replaceAll('-', '\\-')}\n`);
  }
  expect(page).toContain('creel secret set g42\\-telegram < token.txt');
});

test('its lines are macros that man knows, or text', () => {
  for (const line of page.split('\n')) {
    expect(macros, line).toContain(/^\.(\w+)/.exec(line)?.[1] ?? 'B');
    expect(line, 'begins like a macro').not.toMatch(/^'|^\.\W/);
    expect(line, 'an escape that is none').not.toMatch(/\\(?![-e&]|\(aq|\(ga|\(ti|\(ha)/);
  }
});

test('a line that begins like a macro, and a backslash, stay what they are', () => {
  const odd = program();
  odd.commands[0]?.description('.profile is read\n.TH too, C:\\here');
  expect(manual(odd, '1', examplesOf)).toContain('\n\\&.profile is read\n\\&.TH too, C:\\ehere\n');
});

test('groff, where it is, finds nothing to say of it', () => {
  const { error, stderr, stdout } = spawnSync('groff', ['-k', '-man', '-Tutf8', '-ww', '-P-c', '-P-b', '-P-u'], {
    input: page,
    encoding: 'utf8',
  });
  expect(stderr ?? '').toBe('');
  expect(error ? '' : stdout).toMatch(error ? /^$/ : /CREEL\(1\)[^]*creel provision[^]*EXIT STATUS/);
});
