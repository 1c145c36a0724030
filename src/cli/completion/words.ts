import type { CommandUnknownOpts } from '@commander-js/extra-typings';

/** A word that can be typed next, and what it means. */
export type Word = { readonly word: string; readonly means: string };

/** What follows an option: one of some words, a file, or something that only its user knows. */
type Value = { readonly options: readonly string[]; readonly takes: readonly string[] | 'a file' | 'anything' };

/** What can be typed after a command: further commands or the choices of its argument, options, and what they take. */
export type Place = {
  /** The command as it is typed, from the name of the program on. */
  readonly typed: string;
  readonly words: readonly Word[];
  readonly options: readonly Word[];
  readonly values: readonly Value[];
  readonly inner: readonly Place[];
};

/** Every place of a program, the outermost first. */
export function places(command: CommandUnknownOpts, before = ''): readonly Place[] {
  const place = placeOf(command, before);
  return [place, ...place.inner.flatMap(flattened)];
}

function flattened(place: Place): readonly Place[] {
  return [place, ...place.inner.flatMap(flattened)];
}

function placeOf(command: CommandUnknownOpts, before: string): Place {
  const help = command.createHelp();
  const typed = `${before}${command.name()}`;
  const options = help.visibleOptions(command);
  const named = options.map((option) => ({
    option,
    names: [option.short, option.long].filter((each) => each !== undefined),
  }));
  return {
    typed,
    words: [
      ...help.visibleCommands(command).map((each) => ({ word: each.name(), means: each.description() })),
      ...help
        .visibleArguments(command)
        .flatMap(({ argChoices = [] }) => argChoices.map((word) => ({ word, means: '' }))),
    ],
    options: named.flatMap(({ option, names }) => names.map((word) => ({ word, means: option.description }))),
    values: named
      .filter(({ option }) => option.required || option.optional)
      .map(({ option, names }) => ({ options: names, takes: option.argChoices ?? kindOf(option.flags) })),
    inner: command.commands.map((each) => placeOf(each, `${typed} `)),
  };
}

/** Whether an option names a file, by what its help calls the value. */
function kindOf(flags: string): 'a file' | 'anything' {
  return /[<[][^>\]]*(?:\.toml|file|director)/.test(flags) ? 'a file' : 'anything';
}

/** A text as one word of a Bourne shell or zsh. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
