import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { exitHelp } from '../exit.js';

/** The help of a program and of each of its commands as one manual page, in the macros that `man` reads. */
export function manual(program: CommandUnknownOpts, version: string, examplesOf: Examples): string {
  const name = program.name();
  return [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${plain(version)}"`,
    '.SH NAME',
    `${name} \\- ${plain(program.description())}`,
    '.SH SYNOPSIS',
    `.B ${name}`,
    plain(
      program
        .createHelp()
        .commandUsage(program)
        .slice(name.length + 1),
    ),
    '.SH COMMANDS',
    ...program.commands.flatMap((each) => commandPart(each, examplesOf)),
    '.SH EXIT STATUS',
    ...exitHelp.trim().split('\n').slice(1).flatMap(exitPart),
    '',
  ].join('\n');
}

/** The examples of a command, as its help shows them. */
type Examples = (command: CommandUnknownOpts) => readonly string[];

function commandPart(command: CommandUnknownOpts, examplesOf: Examples): string[] {
  const help = command.createHelp();
  const examples = examplesOf(command);
  return [
    `.SS ${plain(help.commandUsage(command))}`,
    plain(help.commandDescription(command)),
    ...help.visibleArguments(command).flatMap((each) => term(each.name(), help.argumentDescription(each))),
    ...help.visibleOptions(command).flatMap((each) => term(help.optionTerm(each), help.optionDescription(each))),
    ...(examples.length > 0 ? ['.PP', 'Examples:', '.PP', '.nf', ...examples.map(plain), '.fi'] : []),
    ...command.commands.flatMap((each) => commandPart(each, examplesOf)),
  ];
}

function term(name: string, means: string): string[] {
  return ['.TP', `.B ${plain(name)}`, plain(means)];
}

function exitPart(line: string): string[] {
  const [, code = '', meaning = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
  return term(code, meaning);
}

/** A text as the macros take it: no escapes, hyphens that can be copied, and no line that begins like a macro. */
function plain(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha');
  return escaped.replaceAll(/^(?=\.)/gm, '\\&');
}
