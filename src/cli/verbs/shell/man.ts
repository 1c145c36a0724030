import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { manual } from '../../show/manual.js';
import { examplesOf } from '../../verb.js';
import { versionText } from '../../../settings/version.js';

/** `creel man`: the help of every command as one manual page. */
export function manCommand(program: CommandUnknownOpts) {
  return new Command('man')
    .description('print the manual page, which is the help of every command')
    .addHelpText('after', '\nExamples:\n  creel man | man -l -\n  creel man > ~/.local/share/man/man1/creel.1')
    .action(() => {
      process.stdout.write(manual(program, versionText(), examplesOf));
    });
}
