import { Argument, Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { bashCompletion } from '../../completion/bash.js';
import { fishCompletion } from '../../completion/fish.js';
import { places } from '../../completion/words.js';
import { zshCompletion } from '../../completion/zsh.js';

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

/** `creel completion`: a script by which a shell completes the commands and options of the program. */
export function completionCommand(program: CommandUnknownOpts) {
  return new Command('completion')
    .description('print a script by which your shell completes commands and options')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', '\nExamples:\n  source <(creel completion bash)\n  creel completion fish | source')
    .action((shell) => {
      process.stdout.write(shells[shell](places(program)));
    });
}
