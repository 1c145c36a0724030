import type { Place, Word } from './words.js';

/** The completion of a program for fish, to be sourced. */
export function fishCompletion(all: readonly Place[]): string {
  return `# fish completion of creel. To have it in every shell: creel completion fish > ~/.config/fish/completions/creel.fish
function __creel_at
    set -l at creel
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
${all
  .slice(1)
  .map(({ typed }) => `            case ${asWord(typed)}\n                set at ${asWord(typed)}`)
  .join('\n')}
        end
    end
    test "$at" = "$argv[1]"
end
complete -c creel -f
${all.flatMap(placeLines).join('\n')}
`;
}

function placeLines({ typed, words, options, values }: Place): string[] {
  const when = `complete -c creel -n ${asWord(`__creel_at ${asWord(typed)}`)}`;
  const takesOf = (option: string) => values.find((value) => value.options.includes(option))?.takes;
  return [
    ...words.map(({ word, means }) => `${when} -a ${asWord(word)}${described(means)}`),
    ...options.map(({ word, means }) => `${when} ${named(word)}${taken(takesOf(word))}${described(means)}`),
  ];
}

function named(option: Word['word']): string {
  return option.startsWith('--') ? `-l ${option.slice(2)}` : `-s ${option.slice(1)}`;
}

function taken(takes: Place['values'][number]['takes'] | undefined): string {
  if (takes === undefined) return '';
  if (takes === 'a file') return ' -r -F';
  return takes === 'anything' ? ' -x' : ` -x -a ${asWord(takes.join(' '))}`;
}

function described(means: string): string {
  return means === '' ? '' : ` -d ${asWord(means)}`;
}

function asWord(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
